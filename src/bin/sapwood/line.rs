//! Rows as lines of JSON: what is exported, and imported.
//!
//! `{"bucket":["eu","berlin"],"sequence":0}` is a bucket, and `{"bucket":["eu","berlin"],"key":"web-1","value":"running"}` a key in it. What is not UTF-8 is
//! `{"hex":"00ff"}`.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One line, with a key and its value or without both.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub bucket: Vec<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// The bucket's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

impl Line {
    /// Reads a line, and says what is wrong with it.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        // Serde would take a list of the fields as well.
        if !text.starts_with('{') {
            return Err("it is no JSON object".to_owned());
        }
        let line: Self = serde_json::from_str(text).map_err(|error| {
            let text = error.to_string();
            // It says that it is line 1.
            let end = text.rfind(" at line 1 ").unwrap_or(text.len());
            format!("{}, at column {}", &text[..end], error.column())
        })?;
        match (&line.key, &line.value, line.sequence) {
            _ if line.bucket.is_empty() => Err("it names no bucket".to_owned()),
            (Some(_), Some(_), None) | (None, None, _) => Ok(line),
            (Some(_), None, _) => Err("it has a key and no value".to_owned()),
            (None, Some(_), _) => Err("it has a value and no key".to_owned()),
            (Some(_), Some(_), Some(_)) => {
                Err("a sequence is the bucket's, and stands in a line without a key".to_owned())
            }
        }
    }
}
