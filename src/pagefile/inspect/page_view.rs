//! A page as it lies in the file.

use super::super::{
    Error, ReadTxn, checksum,
    field::get_u64,
    meta::first_page,
    page::{
        KIND_BRANCH, KIND_LEAF, KIND_VALUE, NodeHeader, StoredValue, branch_entry, leaf_entry,
        validate,
    },
};

/// The bytes of a page, or of a run of pages that says to be one thing, and what they can be read as. Nothing about it is verified: a page that is free
/// can hold what it was once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PageView {
    /// The number of the first page.
    pub page: u64,
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their checksum, which the parent must have if it refers to this run.
    pub checksum: u64,
    /// What they can be read as.
    pub content: PageContent,
}

/// What the bytes of a page can be read as.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PageContent {
    /// A leaf or a branch.
    Node {
        /// 0 for a leaf.
        level: u8,
        /// The commit that wrote it.
        commit: u64,
        /// How many of its bytes are in use.
        used_bytes: u64,
        /// What it holds, in order.
        entries: Vec<PageEntry>,
    },
    /// The beginning of a value in a run of its own.
    Value {
        /// The commit that wrote it.
        commit: u64,
    },
    /// The meta slots, or what lies between and behind them: see [`slots`](super::slots).
    Slots,
    /// Zeros only.
    Zeros,
    /// Something else.
    Unknown {
        /// Why it is none of these.
        reason: &'static str,
    },
}

/// An entry of a node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PageEntry {
    /// The key, or the name of a bucket; the first one of a branch is empty.
    pub key: Vec<u8>,
    /// What stands under it.
    pub content: EntryContent,
}

/// What stands under a key in a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryContent {
    /// A value.
    Value(Vec<u8>),
    /// A value in a run of its own.
    Run {
        /// Its length in bytes.
        len: u64,
        /// The first page of the run.
        page: u64,
        /// How many pages it has.
        pages: u32,
    },
    /// A bucket.
    Bucket {
        /// The page of its root; none where it is empty.
        root: Option<u64>,
        /// How many keys lie directly in it.
        keys: u64,
        /// How many buckets lie directly in it.
        buckets: u64,
        /// Its own number.
        sequence: u64,
    },
    /// A node one level below.
    Child {
        /// Its first page.
        page: u64,
        /// How many pages it has.
        pages: u32,
    },
}

impl ReadTxn {
    /// A page of the file as it lies there, whether this state reaches it or not; `None` behind the last page that this state can have. If it says that it is a node of more than one page, all of them.
    /// O(page).
    ///
    /// ```
    /// use sapwood::pagefile::{PageContent, PageFile};
    ///
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
    /// let page = file.begin_read().page(2)?.expect("the first page for data");
    /// let PageContent::Node { level: 0, entries, .. } = page.content else { panic!() };
    /// assert_eq!(entries[0].key, b"a");
    /// # Ok::<(), sapwood::pagefile::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn page(&self, number: u64) -> Result<Option<PageView>, Error> {
        let source = &self.snapshot.source;
        if number >= source.pages {
            return Ok(None);
        }
        let offset = number * u64::from(source.page_size);
        let page_size = source.page_size as usize;
        let mut bytes = vec![0; page_size];
        let read = |bytes: &mut [u8]| {
            let read = source.storage.read_at(offset, bytes);
            read.map_err(Error::io("read"))
        };
        read(&mut bytes)?;
        let left = source.pages - number;
        if let Some(pages) = node_pages(&bytes, left) {
            bytes.resize(pages * page_size, 0);
            read(&mut bytes)?;
        }
        Ok(Some(PageView {
            page: number,
            offset,
            checksum: checksum::of(&bytes),
            content: if number < first_page(source.page_size) {
                PageContent::Slots
            } else {
                content(&bytes)
            },
            bytes,
        }))
    }
}

/// How many pages the node that begins with this one says to have, if it can have them before the end, `left` pages from here.
pub(super) fn node_pages(first: &[u8], left: u64) -> Option<usize> {
    let pages = NodeHeader::claimed(first)?.div_ceil(first.len()).max(1);
    (pages as u64 <= left).then_some(pages)
}

fn content(bytes: &[u8]) -> PageContent {
    match bytes.first() {
        Some(&KIND_VALUE) => PageContent::Value {
            commit: get_u64(bytes, 8).unwrap_or_default(),
        },
        Some(&(KIND_LEAF | KIND_BRANCH)) => {
            node(bytes).unwrap_or_else(|reason| PageContent::Unknown { reason })
        }
        _ if bytes.iter().all(|byte| *byte == 0) => PageContent::Zeros,
        _ => PageContent::Unknown {
            reason: "it is neither a node nor a value",
        },
    }
}

fn node(bytes: &[u8]) -> Result<PageContent, &'static str> {
    let outside = "an entry lies outside";
    validate(bytes)?;
    let header = NodeHeader::decode(bytes)?;
    let mut entries = Vec::with_capacity(header.count);
    for i in 0..header.count {
        let (key, content) = if header.level > 0 {
            let (key, child) = branch_entry(bytes, i).ok_or(outside)?;
            let content = EntryContent::Child {
                page: child.page,
                pages: child.pages,
            };
            (key, content)
        } else {
            let (key, value) = leaf_entry(bytes, i).ok_or(outside)?;
            let content = match value {
                StoredValue::Inline(value) => {
                    EntryContent::Value(bytes.get(value).ok_or(outside)?.to_vec())
                }
                StoredValue::Run(value) => EntryContent::Run {
                    len: value.len,
                    page: value.run.page,
                    pages: value.run.pages,
                },
                StoredValue::Bucket(record) => EntryContent::Bucket {
                    root: record.root.map(|root| root.page),
                    keys: record.rows,
                    buckets: record.buckets,
                    sequence: record.sequence,
                },
            };
            (key, content)
        };
        let key = bytes.get(key).ok_or(outside)?.to_vec();
        entries.push(PageEntry { key, content });
    }
    Ok(PageContent::Node {
        level: header.level,
        commit: header.commit,
        used_bytes: header.used as u64,
        entries,
    })
}
