//! Reads single values. Each function returns an error that states what the value must be.

use std::time::Duration;

use buttress_core::text::parse_time;
use buttress_core::{Mode, Ratio};
use toml::de::DeValue;

/// A value, or what it must be.
pub(super) type Read<T> = Result<T, String>;

/// A number and its unit.
pub(super) fn time(value: &DeValue<'_>) -> Read<Duration> {
    let refuse = |what| format!("a time, as \"250 ms\" or \"1.5 s\": {what}");
    let text = value.as_str().ok_or_else(|| refuse("it needs quotes"))?;
    parse_time(text).map_err(refuse)
}

/// From 0 to 1.
pub(super) fn ratio(value: &DeValue<'_>) -> Read<Ratio> {
    let number = number(value).ok().and_then(|n| Ratio::new(n).ok());
    number.ok_or_else(|| "a ratio from 0 to 1".to_owned())
}

/// Any number.
pub(super) fn number(value: &DeValue<'_>) -> Read<f64> {
    let text = match value {
        DeValue::Float(float) => float.as_str(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        _ => return Err("a number".to_owned()),
    };
    text.parse().map_err(|_| "a number".to_owned())
}

/// A whole number that is not negative.
pub(super) fn whole(value: &DeValue<'_>) -> Read<u32> {
    let number = value
        .as_integer()
        .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
    number.ok_or_else(|| format!("a whole number from 0 to {}", u32::MAX))
}

/// A number of bytes.
pub(super) fn bytes(value: &DeValue<'_>) -> Read<usize> {
    whole(value)
        .ok()
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("a whole number of bytes from 0 to {}", u32::MAX))
}

/// Yes or no.
pub(super) fn flag(value: &DeValue<'_>) -> Read<bool> {
    let flag = value.as_bool();
    flag.ok_or_else(|| "true or false".to_owned())
}

/// One of several words.
pub(super) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let text = value.as_str();
        let known = words.iter().find(|(word, _)| text == Some(word));
        known.map(|&(_, meaning)| meaning).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            format!("one of {}", words.join(", "))
        })
    }
}

/// A value that can be `"off"`.
pub(super) fn or_off<T>(
    read: impl Fn(&DeValue<'_>) -> Read<T>,
) -> impl Fn(&DeValue<'_>) -> Read<Option<T>> {
    move |value| match value.as_str() {
        Some("off") => Ok(None),
        _ => read(value)
            .map(Some)
            .map_err(|bound| format!("\"off\", or {bound}")),
    }
}

/// A mode: a word, or the share of calls for which it enforces.
pub(super) fn mode(value: &DeValue<'_>) -> Read<Mode> {
    if let Ok(share) = ratio(value) {
        return Ok(Mode::EnforceFor(share));
    }
    let modes = [
        ("enforce", Mode::Enforce),
        ("shadow", Mode::Shadow),
        ("off", Mode::Off),
    ];
    word(&modes)(value).map_err(|bound| {
        format!("{bound}, or the share of calls for which it enforces, from 0 to 1")
    })
}
