//! All that a file says of a table.

use serde::{Deserialize, Serialize};

use super::codec::{self, CodecError};
use super::{Shape, TableDefinition};

/// A table's definition, and the shape of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableSchema {
    /// Name, version, fields and indexes, as the struct declares them.
    pub definition: TableDefinition,
    /// What the rows in the file are made of.
    pub shape: Shape,
}

impl TableSchema {
    pub(crate) fn new(definition: TableDefinition, shape: Shape) -> Self {
        Self { definition, shape }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are none of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let schema: Self = codec::decode(bytes)?;
        schema.shape.check().map_err(|reason| CodecError::Decode {
            reason: reason.to_owned(),
        })?;
        Ok(schema)
    }

    /// The bytes in which a file keeps it.
    ///
    /// # Errors
    /// [`CodecError`] where it cannot be written, which no schema that a file had is.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::new();
        codec::encode(self, &mut bytes)?;
        Ok(bytes)
    }
}
