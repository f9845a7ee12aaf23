//! Keys, values and names as they are written and shown: bytes of any kind.

use std::str::FromStr;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};

const HEX: &str = "hex:";
const TEXT: &str = "text:";

/// Bytes that a person or a line of JSON gives, or is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub Vec<u8>);

/// From the command line: `hex:00ff`, `text:...`, or the text itself.
impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(digits) = text.strip_prefix(HEX) {
            return unhex(digits).map(Self);
        }
        Ok(Self(text.strip_prefix(TEXT).unwrap_or(text).into()))
    }
}

/// As `FromStr` reads it: text where all of it can be printed, else hexadecimal.
pub fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if is_printable(text) => {
            let is_ambiguous = text.is_empty() || text.starts_with(HEX) || text.starts_with(TEXT);
            let prefix = if is_ambiguous { TEXT } else { "" };
            format!("{prefix}{text}")
        }
        _ => format!("{HEX}{}", hex(bytes)),
    }
}

/// As [`shown`], cut where it is long; for tables.
pub fn shortened(bytes: &[u8], most: usize) -> String {
    let shown = shown(bytes);
    if shown.chars().count() <= most {
        return shown;
    }
    let cut: String = shown.chars().take(most).collect();
    format!("{cut}… ({} bytes)", bytes.len())
}

/// Whether nothing in it moves the cursor, hides, or changes what stands beside it.
fn is_printable(text: &str) -> bool {
    // What `Debug` would escape, but for quotes and backslashes.
    text.chars()
        .all(|c| matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1)
}

pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

pub fn unhex(digits: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{digits:?} is not hexadecimal: pairs of digits from 0 to f");
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.ok_or_else(wrong)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
    } else {
        Err(wrong())
    }
}

/// In JSON, a string where it is UTF-8, else `{"hex":"00ff"}`.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("hex", &hex(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Said of an object that is something else.
const FORM: &str = "bytes are given as a string, or as {\"hex\":\"00ff\"}";

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, or {\"hex\":\"00ff\"}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let entry = map.next_entry::<String, String>()?;
        let Some((_, digits)) = entry.filter(|(form, _)| form == "hex") else {
            return Err(de::Error::custom(FORM));
        };
        let bytes = unhex(&digits).map_err(de::Error::custom)?;
        match map.next_key::<String>()? {
            None => Ok(Text(bytes)),
            Some(_) => Err(de::Error::custom(FORM)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, shown};

    /// What is shown reads as what it was, whatever the bytes; and nothing that is shown moves a cursor.
    #[test]
    fn what_is_shown_can_be_given() {
        let odd: [&[u8]; 9] = [
            b"",
            b"a",
            b"hex:00",
            b"text:",
            b"\x00",
            b"\x1b[31m",
            b"\xff\xfe",
            "ä \u{202e}".as_bytes(),
            "日本".as_bytes(),
        ];
        for bytes in odd {
            let text = shown(bytes);
            assert!(
                !text.is_empty() && !text.contains(char::is_control),
                "{text}"
            );
            assert_eq!(text.parse(), Ok(Text(bytes.to_vec())), "{text}");
        }
        assert_eq!(shown(b"\x00\xff"), "hex:00ff");
        for wrong in ["hex:0", "hex:0g", "hex:0x00"] {
            assert!(wrong.parse::<Text>().is_err(), "{wrong}");
        }
    }
}
