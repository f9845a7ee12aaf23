//! A simulated disk: it knows what is durable and what is only pending, and crashes in many ways.

use std::{
    io,
    sync::{Arc, Mutex},
};

use sapwood::pagefile::{Error, Options, PageFile, ReadTxn, Storage};

pub(crate) const SECTOR: usize = 512;

/// Buckets with their rows: the model that every test compares with. The name of a bucket in another one is told with that one's name and a slash
/// before it.
pub(crate) type Model =
    std::collections::BTreeMap<Vec<u8>, std::collections::BTreeMap<Vec<u8>, Vec<u8>>>;

/// A small generator (xorshift with a multiplier), so that a seed means the same everywhere.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }
}

#[derive(Clone)]
enum Op {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
}

/// What becomes of the pending operations at a crash.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    None,
    All,
    /// The first ones, in order, the last of them in part.
    Prefix,
    /// Any sectors, in any order.
    Subset,
    /// As `Subset`, and one write is cut within a sector.
    Torn,
    /// As `Subset`, and some sectors hold garbage.
    Garbage,
    /// The last write (the meta) and nothing before it.
    OnlyLast,
    /// Everything but the last write.
    AllButLast,
    /// The last ones, and none before them. Where nothing is left unsynced this is no more than `Subset`, so it is not one of [`CRASHES`].
    Suffix,
}

pub(crate) const CRASHES: [Crash; 8] = [
    Crash::None,
    Crash::All,
    Crash::Prefix,
    Crash::Subset,
    Crash::Torn,
    Crash::Garbage,
    Crash::OnlyLast,
    Crash::AllButLast,
];

#[derive(Default)]
struct Disk {
    durable: Vec<u8>,
    pending: Vec<Op>,
    /// What was pending when a sync failed: a crash may still find some of it, but no later sync makes it durable.
    limbo: Vec<Op>,
    live: Vec<u8>,
    /// Operations done, of those that change something or sync.
    ops: usize,
    /// From which operation on everything fails, or which one fails.
    failure: Option<Failure>,
    capacity: Option<usize>,
    /// How many reads succeed before one fails.
    reads_left: Option<usize>,
}

#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) forever: bool,
}

/// A handle on the disk: the page file has one, the test keeps another.
#[derive(Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Disk>>);

fn apply(image: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { offset, bytes } => {
            let start = *offset as usize;
            if image.len() < start + bytes.len() {
                image.resize(start + bytes.len(), 0);
            }
            image[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Op::SetLen(len) => image.resize(*len as usize, 0),
    }
}

impl SimDisk {
    pub(crate) fn of(image: Vec<u8>) -> Self {
        let disk = Disk {
            durable: image.clone(),
            live: image,
            ..Disk::default()
        };
        Self(Arc::new(Mutex::new(disk)))
    }

    pub(crate) fn open(&self) -> Result<PageFile, Error> {
        options().open_storage(Box::new(self.clone()))
    }

    pub(crate) fn ops(&self) -> usize {
        self.0.lock().unwrap().ops
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        self.0.lock().unwrap().live.clone()
    }

    pub(crate) fn fail(&self, failure: Option<Failure>) {
        self.0.lock().unwrap().failure = failure;
    }

    pub(crate) fn set_capacity(&self, capacity: Option<usize>) {
        self.0.lock().unwrap().capacity = capacity;
    }

    pub(crate) fn fail_read(&self, after: Option<usize>) {
        self.0.lock().unwrap().reads_left = after;
    }

    /// The disk as it is found after a crash now. The same seed gives the same bytes.
    pub(crate) fn crash(&self, crash: Crash, seed: u64) -> Self {
        let disk = self.0.lock().unwrap();
        let mut image = disk.durable.clone();
        let mut random = Random::new(seed);
        let mut pending = [disk.limbo.as_slice(), disk.pending.as_slice()].concat();
        match crash {
            Crash::None => pending.clear(),
            Crash::All => {}
            Crash::Prefix => {
                pending.truncate(random.below(pending.len() + 1));
                if let Some(Op::Write { bytes, .. }) = pending.last_mut() {
                    let sectors = bytes.len().div_ceil(SECTOR);
                    bytes.truncate((1 + random.below(sectors)) * SECTOR);
                }
            }
            Crash::OnlyLast => drop(pending.drain(..pending.len().saturating_sub(1))),
            Crash::AllButLast => drop(pending.pop()),
            Crash::Suffix => drop(pending.drain(..random.below(pending.len() + 1))),
            Crash::Subset | Crash::Torn | Crash::Garbage => {
                pending = scatter(&pending, crash, &mut random);
            }
        }
        for op in &pending {
            apply(&mut image, op);
        }
        Self::of(image)
    }

    /// The disk as it is found by the next process where one was killed: what was pending still is.
    pub(crate) fn killed(&self) -> Self {
        let disk = self.0.lock().unwrap();
        Self(Arc::new(Mutex::new(Disk {
            durable: disk.durable.clone(),
            pending: disk.pending.clone(),
            limbo: disk.limbo.clone(),
            live: disk.live.clone(),
            ..Disk::default()
        })))
    }

    fn count(disk: &mut Disk) -> io::Result<()> {
        let op = disk.ops;
        disk.ops += 1;
        match disk.failure {
            Some(failure) if op == failure.at || (failure.forever && op > failure.at) => {
                Err(io::Error::other("simulated failure"))
            }
            _ => Ok(()),
        }
    }
}

/// Single sectors of the pending writes, some lost, in another order.
fn scatter(pending: &[Op], crash: Crash, random: &mut Random) -> Vec<Op> {
    let mut sectors = Vec::new();
    let keep = 1 + random.below(15);
    for op in pending {
        match op {
            Op::SetLen(len) => {
                if random.below(16) <= keep {
                    sectors.push(Op::SetLen(*len));
                }
            }
            Op::Write { offset, bytes } => {
                for (i, sector) in bytes.chunks(SECTOR).enumerate() {
                    let offset = offset + (i * SECTOR) as u64;
                    let mut bytes = sector.to_vec();
                    let fate = random.below(16);
                    if matches!(crash, Crash::Torn) && fate == 15 {
                        bytes.truncate(random.below(SECTOR));
                    } else if matches!(crash, Crash::Garbage) && fate == 15 {
                        bytes.fill_with(|| random.next() as u8);
                    } else if fate > keep {
                        continue;
                    }
                    sectors.push(Op::Write { offset, bytes });
                }
            }
        }
    }
    for i in (1..sectors.len()).rev() {
        // Writes to one place keep their order: there is only one write to each between two syncs here.
        sectors.swap(i, random.below(i + 1));
    }
    sectors
}

impl Storage for SimDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let disk = &mut *self.0.lock().unwrap();
        if let Some(left) = &mut disk.reads_left {
            if *left == 0 {
                disk.reads_left = None;
                return Err(io::Error::other("simulated failure"));
            }
            *left -= 1;
        }
        let start = offset as usize;
        let bytes = disk.live.get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let disk = &mut *self.0.lock().unwrap();
        Self::count(disk)?;
        let room = disk.capacity.map_or(bytes.len(), |capacity| {
            bytes.len().min(capacity.saturating_sub(offset as usize))
        });
        let op = Op::Write {
            offset,
            bytes: bytes[..room].to_vec(),
        };
        apply(&mut disk.live, &op);
        disk.pending.push(op);
        if room < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let disk = &mut *self.0.lock().unwrap();
        Self::count(disk)?;
        apply(&mut disk.live, &Op::SetLen(len));
        disk.pending.push(Op::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let disk = &mut *self.0.lock().unwrap();
        // As file systems do: after a failed sync the pending pages count as clean.
        let outcome = Self::count(disk);
        let pending = std::mem::take(&mut disk.pending);
        if outcome.is_ok() {
            for op in &pending {
                apply(&mut disk.durable, op);
            }
        } else {
            disk.limbo.extend(pending);
        }
        outcome
    }
}

/// Small pages and small steps, so that everything happens soon.
pub(crate) fn options() -> Options {
    Options::new().page_size(512).grow_by(8 * 1024)
}

/// All that a state holds.
pub(crate) fn contents(file: &PageFile) -> Result<Model, Error> {
    contents_of(&file.begin_read())
}

/// All that the state of a read transaction holds.
pub(crate) fn contents_of(read: &ReadTxn) -> Result<Model, Error> {
    let mut model = Model::new();
    let mut waiting = vec![(None::<Vec<u8>>, read.root())];
    while let Some((path, bucket)) = waiting.pop() {
        for name in bucket.buckets() {
            let name = name?;
            let Some(below) = bucket.bucket(&*name)? else {
                panic!("bucket {name:?} is listed and not there");
            };
            let path = match &path {
                Some(path) => [path, b"/".as_slice(), &*name].concat(),
                None => name.to_vec(),
            };
            waiting.push((Some(path), below));
        }
        let Some(path) = path else { continue };
        let mut rows = std::collections::BTreeMap::new();
        for row in &bucket {
            let (key, value) = row?;
            rows.insert(key.to_vec(), value.to_vec());
        }
        assert_eq!(rows.len() as u64, bucket.len());
        model.insert(path, rows);
    }
    Ok(model)
}

/// Bytes that differ with `seed`.
pub(crate) fn filled(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| random.next() as u8).collect()
}

/// One commit of a workload: some puts, deletes, buckets made and deleted, also in one another, large and small values; also done to the model.
pub(crate) fn change(file: &PageFile, model: &mut Model, seed: u64) -> Result<u64, Error> {
    let mut random = Random::new(seed);
    let mut tx = file.begin_write()?;
    let mut next = model.clone();
    let name = [b'b', random.below(3) as u8];
    if random.below(12) == 0 {
        tx.delete_bucket(name)?;
        next.retain(|path, _| path.split(|byte| *byte == b'/').next() != Some(&name));
    }
    let path = &[&name[..], b"in", b"deep"][..=[0, 0, 0, 1, 2][random.below(5)]];
    for depth in 1..path.len() {
        next.entry(path[..depth].join(&b'/')).or_default();
    }
    let mut bucket = tx.bucket_or_create_at(path)?;
    let rows = next.entry(path.join(&b'/')).or_default();
    for _ in 0..=random.below(10) {
        let key = format!("key-{:03}", random.below(60)).into_bytes();
        if random.below(3) == 0 {
            let was_there = bucket.delete(&key)?;
            assert_eq!(was_there, rows.remove(&key).is_some());
        } else {
            let len = [3, 40, 100, 128, 129, 700, 2000][random.below(7)];
            let value = filled(len, random.next());
            let replaced = bucket.put(&key, &value)?;
            assert_eq!(replaced, rows.insert(key, value).is_some());
        }
    }
    let number = tx.commit()?;
    *model = next;
    Ok(number)
}
