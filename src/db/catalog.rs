//! The tables of a database: which family of trees holds which rows, and who watches them.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::initializers::Pending;
use super::stored::{Stored, Typed};
use super::validate::Rule;
use crate::Error;
use crate::radix::{Layout, Version};
use crate::table::{Table, TableDefinition};
use crate::watch::Registry;

/// One table as the database has it.
pub(crate) struct Entry {
    pub(crate) definition: TableDefinition,
    /// Whether it is never in a file.
    ephemeral: bool,
    /// What is done with its rows where their type is not known.
    pub(crate) rows: Arc<dyn Stored>,
    /// Who watches each of its indexes.
    pub(super) watches: Vec<Arc<Registry>>,
}

/// All tables, by family number and by the type of their rows.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) tables: Vec<Entry>,
    /// The table of what tables wait for, behind all others: of the same trees, and nobody else's business. There once the catalogue is complete.
    initializers: Option<Entry>,
    families: HashMap<TypeId, usize, BuildHasherDefault<TypeIdHasher>>,
    pub(crate) layout: Layout,
    /// What is demanded of a transaction when it ends.
    pub(super) rules: Vec<Rule>,
}

impl Catalog {
    pub(super) fn add<T: Table>(&mut self) -> Result<(), Error> {
        let definition = T::definition();
        if self.families.contains_key(&TypeId::of::<T>()) {
            return Ok(());
        }
        if self
            .tables
            .iter()
            .any(|table| table.definition.name == T::NAME)
        {
            return Err(Error::SameName { table: T::NAME });
        }
        let entry = self.entry_of::<T>(definition);
        self.tables.push(entry);
        Ok(())
    }

    /// Gives a table its trees.
    fn entry_of<T: Table>(&mut self, definition: TableDefinition) -> Entry {
        let trees = definition.indexes.len();
        let family = self.layout.add::<T>(trees);
        self.families.insert(TypeId::of::<T>(), family);
        Entry {
            definition,
            ephemeral: T::EPHEMERAL,
            rows: Arc::new(Typed::<T>::new(family, trees)),
            watches: (0..trees).map(|_| Arc::new(Registry::new())).collect(),
        }
    }

    /// No table is added any more.
    pub(crate) fn complete(mut self) -> Self {
        if self.initializers.is_none() {
            self.initializers = Some(self.entry_of::<Pending>(Pending::definition()));
        }
        self
    }

    /// All tables by the numbers of their families, the one that nobody sees too.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tables.iter().chain(&self.initializers)
    }

    /// The tables that a file has, with the numbers of their families.
    pub(crate) fn durable(&self) -> impl Iterator<Item = (usize, &Entry)> {
        let tables = self.tables.iter().enumerate();
        tables.filter(|(_, table)| !table.ephemeral)
    }

    /// Whether all that leads from one version to the other is rows that no file has.
    pub(crate) fn changes_nothing_durable(&self, from: &Version, to: &Version) -> bool {
        let changed = |family: usize| !from.shares(to, family, 0);
        let mut tables = self.tables.iter().enumerate();
        // A commit of no rows at all is one of its number.
        tables.any(|(family, table)| table.ephemeral && changed(family))
            && !self.durable().any(|(family, _)| changed(family))
    }

    /// The table of a family.
    pub(super) fn entry(&self, family: usize) -> &Entry {
        match &self.initializers {
            Some(entry) if family == self.tables.len() => entry,
            _ => &self.tables[family],
        }
    }

    /// The same tables, with the same rules, watched by nobody.
    pub(super) fn fork(&self) -> Self {
        let watched_by_nobody = |table: &Entry| Entry {
            definition: table.definition.clone(),
            ephemeral: table.ephemeral,
            rows: Arc::clone(&table.rows),
            watches: table
                .watches
                .iter()
                .map(|_| Arc::new(Registry::new()))
                .collect(),
        };
        Self {
            tables: self.tables.iter().map(watched_by_nobody).collect(),
            initializers: self.initializers.as_ref().map(watched_by_nobody),
            families: self.families.clone(),
            layout: self.layout.clone(),
            rules: self.rules.clone(),
        }
    }

    /// The family of a table's trees.
    #[inline]
    pub(super) fn family<T: Table>(&self) -> Result<usize, Error> {
        let family = self.families.get(&TypeId::of::<T>()).copied();
        family.ok_or(Error::UnknownTable { table: T::NAME })
    }

    /// The name of an index of a table.
    pub(super) fn index_name(&self, family: usize, index: usize) -> String {
        let indexes = self
            .tables
            .get(family)
            .map(|table| &table.definition.indexes);
        let index = indexes.and_then(|indexes| indexes.get(index));
        index.map_or_else(String::new, |index| index.name.clone())
    }

    pub(super) fn close_watches(&self) {
        for registry in self.entries().flat_map(|table| &table.watches) {
            registry.close();
        }
    }
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
