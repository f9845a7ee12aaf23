//! Paths of buckets: `eu/berlin` is the bucket `berlin` in the bucket `eu`.

use std::str::FromStr;

use crate::text::{Text, shown};

/// The names that lead to a bucket, the outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketPath(pub Vec<Vec<u8>>);

impl FromStr for BucketPath {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let mut names = vec![String::new()];
        let mut chars = path.chars();
        while let Some(c) = chars.next() {
            match c {
                '/' => names.push(String::new()),
                '\\' => match chars.next() {
                    Some(escaped @ ('/' | '\\')) => push(&mut names, escaped),
                    _ => return Err(format!("{path:?}: a backslash stands before / or \\ only")),
                },
                c => push(&mut names, c),
            }
        }
        let names = names.iter().map(|name| match name.as_str() {
            "" => Err(format!(
                "{path:?}: a name is missing; text: is the empty one"
            )),
            name => name.parse().map(|Text(name)| name),
        });
        names.collect::<Result<_, _>>().map(Self)
    }
}

fn push(names: &mut [String], c: char) {
    if let Some(name) = names.last_mut() {
        name.push(c);
    }
}

/// The path as it is read.
pub fn shown_path(names: &[Vec<u8>]) -> String {
    let names = names
        .iter()
        .map(|name| shown(name).replace('\\', "\\\\").replace('/', "\\/"));
    names.collect::<Vec<_>>().join("/")
}

/// For JSON.
pub fn texts(names: &[Vec<u8>]) -> Vec<Text> {
    names.iter().cloned().map(Text).collect()
}

#[cfg(test)]
mod tests {
    use super::{BucketPath, shown_path};

    /// Paths of any names are shown in a form that reads as the same path; others are refused.
    #[test]
    fn what_is_shown_can_be_given() {
        let names: [&[u8]; 6] = [b"a", b"", b"a/b\\c", b"hex:2f", b"\xff/", b"text:"];
        for first in names {
            for second in names {
                let path = vec![first.to_vec(), second.to_vec()];
                let text = shown_path(&path);
                assert_eq!(text.parse(), Ok(BucketPath(path)), "{text}");
            }
        }
        assert_eq!(shown_path(&[b"a/b".to_vec(), b"\\".to_vec()]), "a\\/b/\\\\");
        for wrong in ["", "/a", "a//b", "a/", "a\\", "a\\n", "hex:0"] {
            assert!(wrong.parse::<BucketPath>().is_err(), "{wrong}");
        }
    }
}
