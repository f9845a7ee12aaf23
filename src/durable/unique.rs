//! Keys that only one row of a table may have, while rows are put in without the program.
//!
//! A key may pass from one row to another by two puts, in either order. So a key that two rows want is looked at again at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::db::revisions;
use crate::key::KeyBuf;
use crate::pagefile::{BucketMut, Error as FileError};
use crate::table::{FormedRow, RowForm, Value, decode_value};

type PrimaryKey = Box<[u8]>;

/// The unique indexes of a table, each with the primary keys of those who have its keys.
pub(super) struct Uniques {
    indexes: Vec<HashMap<KeyBuf, PrimaryKey>>,
    /// Keys that more than one row wanted, by the numbers of their indexes.
    contested: BTreeMap<(usize, KeyBuf), BTreeSet<PrimaryKey>>,
}

/// Two rows that have one key.
pub(super) struct Twice {
    pub(super) index: String,
    pub(super) first: PrimaryKey,
    pub(super) second: PrimaryKey,
}

impl Uniques {
    /// Those of all rows of the table. O(rows), in memory too.
    pub(super) fn read(form: &RowForm<'_>, rows: &BucketMut<'_>) -> Result<Self, FileError> {
        let mut uniques = Self {
            indexes: form.uniques().iter().map(|_| HashMap::new()).collect(),
            contested: BTreeMap::new(),
        };
        for entry in rows {
            let (key, record) = entry?;
            if let Some(value) = value_of(form, &record) {
                uniques.add(form, &key, &value);
            }
        }
        Ok(uniques)
    }

    fn add(&mut self, form: &RowForm<'_>, primary: &[u8], value: &Value<'_>) {
        for (number, unique) in form.uniques().iter().enumerate() {
            for key in unique.entries(value) {
                let contest = (number, key);
                if let Some(rows) = self.contested.get_mut(&contest) {
                    rows.insert(primary.into());
                    continue;
                }
                let before = self.indexes[number].insert(contest.1.clone(), primary.into());
                if let Some(before) = before.filter(|before| **before != *primary) {
                    let rows = BTreeSet::from([before, primary.into()]);
                    self.contested.insert(contest, rows);
                }
            }
        }
    }

    /// Notes that `row` is put among `rows`.
    pub(super) fn put(
        &mut self,
        form: &RowForm<'_>,
        rows: &BucketMut<'_>,
        row: &FormedRow<'_>,
    ) -> Result<(), FileError> {
        if let Some(before) = rows.get(&row.key)?
            && let Some(value) = value_of(form, &before)
        {
            for (number, unique) in form.uniques().iter().enumerate() {
                for key in unique.entries(&value) {
                    let index = &mut self.indexes[number];
                    if index.get(&key).is_some_and(|has| **has == *row.key) {
                        index.remove(&key);
                    }
                }
            }
        }
        self.add(form, &row.key, &row.value);
        Ok(())
    }

    /// Two rows of which each has a key of the other, if there are such; else all is settled.
    pub(super) fn settle(
        &mut self,
        form: &RowForm<'_>,
        rows: &BucketMut<'_>,
    ) -> Result<Option<Twice>, FileError> {
        for ((number, key), wanting) in std::mem::take(&mut self.contested) {
            let Some(unique) = form.uniques().get(number) else {
                continue;
            };
            let mut has = None;
            for primary in wanting {
                let record = rows.get(&primary)?;
                let value = record.as_deref().and_then(|record| value_of(form, record));
                let has_it = value.is_some_and(|value| unique.entries(&value).contains(&key));
                if !has_it {
                    continue;
                }
                if let Some(first) = has {
                    return Ok(Some(Twice {
                        index: unique.name.clone(),
                        first,
                        second: primary,
                    }));
                }
                has = Some(primary);
            }
            match has {
                Some(primary) => self.indexes[number].insert(key, primary),
                None => self.indexes[number].remove(&key),
            };
        }
        Ok(None)
    }
}

/// The row of a record. One that cannot be read is the program's to complain of.
pub(super) fn value_of<'s>(form: &RowForm<'s>, record: &[u8]) -> Option<Value<'s>> {
    let (.., row) = revisions(record)?;
    decode_value(row, &form.schema().shape).ok()
}
