//! `native_db` in memory: rows serialised into a redb that has no file.

use std::path::Path;
use std::sync::OnceLock;

use native_db::transaction::RTransaction;
use native_db::{Builder, Database, Models, ToKey, native_db};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};

use super::{Store, View};
use crate::Failure;
use crate::task::{Change, Status, Task};

pub(crate) struct Native {
    db: Database<'static>,
    indexed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[native_model(id = 1, version = 1)]
#[native_db(secondary_key(job_status -> String))]
struct Stored {
    #[primary_key]
    id: String,
    #[secondary_key]
    node: String,
    job: String,
    status: u8,
    cpu: u32,
    labels: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[native_model(id = 2, version = 1)]
#[native_db]
struct Plain {
    #[primary_key]
    id: String,
    row: (String, String, u8, u32, Vec<(String, String)>),
}

impl Stored {
    /// A tuple would do, but then there is no query by its first column.
    fn job_status(&self) -> String {
        job_status(&self.job, self.status)
    }
}

fn job_status(job: &str, status: u8) -> String {
    format!("{job}/{status}")
}

fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        let mut models = Models::new();
        models.define::<Stored>().expect("a model");
        models.define::<Plain>().expect("a model");
        models
    })
}

impl Native {
    /// In a file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let db = Builder::new().create(models(), path)?;
        Ok(Self { db, indexed: true })
    }
}

impl Store for Native {
    const NAME: &'static str = "native_db";

    type View<'a> = RTransaction<'a>;

    fn new(indexed: bool) -> Self {
        let db = Builder::new().create_in_memory(models());
        Self {
            db: db.expect("a database"),
            indexed,
        }
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) {
        let tx = self.db.rw_transaction().expect("a transaction");
        for row in rows {
            let Task {
                id,
                node,
                job,
                status,
                cpu,
                labels,
            } = row;
            let status = status as u8;
            // What it stores are bytes, whose rows own their strings.
            let [id, node, job] = [id, node, job].map(|text| text.to_string());
            let labels = labels.iter();
            let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
            let labels = labels.collect();
            let inserted = if self.indexed {
                tx.insert(Stored {
                    id,
                    node,
                    job,
                    status,
                    cpu,
                    labels,
                })
            } else {
                let row = (node, job, status, cpu, labels);
                tx.insert(Plain { id, row })
            };
            inserted.expect("inserted");
        }
        tx.commit().expect("committed");
    }

    fn update(&self, ids: &[String], change: Change) {
        let tx = self.db.rw_transaction().expect("a transaction");
        for id in ids {
            let old: Option<Stored> = tx.get().primary(id.as_str()).expect("read");
            let old = old.expect("a row");
            let mut new = old.clone();
            match change {
                Change::Cpu(cpu) => new.cpu = cpu,
                Change::Status(status) => new.status = status as u8,
            }
            tx.update(old, new).expect("updated");
        }
        tx.commit().expect("committed");
    }

    fn view(&self) -> RTransaction<'_> {
        self.db.r_transaction().expect("a transaction")
    }
}

fn sum(rows: impl Iterator<Item = native_db::db_type::Result<Stored>>) -> u64 {
    rows.map(|row| u64::from(row.expect("a row").cpu)).sum()
}

/// All rows by a query of an index.
macro_rules! list {
    ($view:expr, $index:expr, $begin:expr) => {{
        let scan = $view.scan();
        let index = scan.secondary::<Stored>($index).expect("an index");
        let begin: &str = $begin;
        sum(index.start_with(begin).expect("a query"))
    }};
}

macro_rules! count {
    ($view:expr, $index:expr, $begin:expr) => {{
        let scan = $view.scan();
        let index = scan.secondary::<Stored>($index).expect("an index");
        let begin: &str = $begin;
        index.start_with(begin).expect("a query").count()
    }};
}

impl View for RTransaction<'_> {
    fn get(&self, id: &str) -> u64 {
        let row: Option<Stored> = Self::get(self).primary(id).expect("read");
        row.map_or(0, |row| u64::from(row.cpu))
    }

    fn of_node(&self, node: &str) -> u64 {
        list!(self, StoredKey::node, node)
    }

    fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
        list!(self, StoredKey::job_status, &job_status(job, status as u8))
    }

    fn of_job(&self, job: &str) -> u64 {
        list!(self, StoredKey::job_status, job)
    }

    fn count_of_job(&self, job: &str) -> usize {
        count!(self, StoredKey::job_status, job)
    }

    fn count_of_jobs(&self, begin: &str) -> usize {
        count!(self, StoredKey::job_status, begin)
    }

    fn scan(&self) -> u64 {
        let scan = Self::scan(self).primary::<Stored>().expect("a table");
        sum(scan.all().expect("all rows"))
    }

    fn scan_back(&self) -> Option<u64> {
        let scan = Self::scan(self).primary::<Stored>().expect("a table");
        Some(sum(scan.all().expect("all rows").rev()))
    }
}
