//! The way to `tracing`: `event!(LEVEL, "target", "message", field = value, …)`, with `?` and `%` as there.

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $($fields:tt)+)?) => {{
        $crate::isolate::isolate(|| {
            ::tracing::event!(target: $target, ::tracing::Level::$level, { $($($fields)+)? }, $message);
        });
    }};
}

/// Names the values, so that they are used with the feature off too, in a closure that nobody calls.
#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, $target:literal, $message:literal $(, $field:ident = $(?)? $(%)? $value:expr)*) => {{
        let _ = || { $(let _ = &$value;)* };
    }};
}
