//! A macro for `tracing`: `event!(LEVEL, "target", "message", field = value, …)`, with `?` and `%` as in `tracing`.

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $($fields:tt)+)?) => {{
        $crate::isolate::isolate(|| {
            ::tracing::event!(target: $target, ::tracing::Level::$level, { $($($fields)+)? }, $message);
        });
    }};
}

/// Uses the values in a closure that is never called, so that there is no warning without the feature.
#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $field:ident = $(?)? $(%)? $value:expr)*) => {{
        let _ = || { $(let _ = &$value;)* };
    }};
}
