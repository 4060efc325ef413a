//! The way to `tracing`: `event!(LEVEL, "target", "message", field = value, …)`, with `?` and `%` as there.

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $($fields:tt)+)?) => {{
        $crate::isolate::isolate(|| {
            ::tracing::event!(target: $target, ::tracing::Level::$level, { $($($fields)+)? }, $message);
        });
    }};
}

/// Uses the values, so that there is no warning with the feature off, in a closure that is never called.
#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $field:ident = $(?)? $(%)? $value:expr)*) => {{
        let _ = || { $(let _ = &$value;)* };
    }};
}
