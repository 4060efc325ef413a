//! The part of the Protocol Buffers wire format that `google.rpc.Status` needs: varints and length-delimited fields.
//! Unknown fields are skipped.

/// Appends fields to a message.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a number, unless it is 0, the default of an absent field.
    pub(super) fn number(mut self, field: u8, value: u64) -> Self {
        if value != 0 {
            self.bytes.push(field << 3 | VARINT);
            self.varint(value);
        }
        self
    }

    /// Appends bytes, a text or a message, also if empty, because an element of a list may be empty.
    pub(super) fn bytes(mut self, field: u8, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.bytes.push(field << 3 | LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// The value of a field.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A field of fixed width; no known field is one.
    Fixed,
}

impl<'a> Value<'a> {
    pub(super) fn as_number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }
}

/// Returns the fields of a message in order, up to the first that is malformed.
pub(super) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || field(&mut bytes))
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(bytes)?;
    let value = match (key & 7) as u8 {
        VARINT => Value::Number(varint(bytes)?),
        FIXED_64 => take(bytes, 8).map(|_| Value::Fixed)?,
        LENGTH_DELIMITED => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Value::Bytes(take(bytes, length)?)
        }
        FIXED_32 => take(bytes, 4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;
const FIXED_32: u8 = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unknown_field_is_skipped() {
        // Field 3 of 8 bytes, field 4 of 4 bytes, then field 1.
        let bytes = [0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x08, 7];
        let read: Vec<_> = fields(&bytes).collect();
        assert_eq!(
            read,
            [(3, Value::Fixed), (4, Value::Fixed), (1, Value::Number(7))]
        );
    }

    #[test]
    fn a_truncated_field_ends_the_message() {
        for bytes in [
            &[0x08_u8][..],
            &[0x08, 0x80],
            &[0x0a, 2, b'x'],
            &[0x19, 0],
            &[0x0b],
        ] {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn fields_are_read_as_they_were_written(number in 1_u64.., text: Vec<u8>) {
            let bytes = Writer::default().number(1, number).bytes(15, &text).finish();
            let read: Vec<_> = fields(&bytes).collect();
            prop_assert_eq!(read, [(1, Value::Number(number)), (15, Value::Bytes(&text))]);
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
            prop_assert!(fields(&bytes).count() <= bytes.len());
        }
    }
}
