//! What the golden files are made of. The same operations give the same bytes, so they can be made again at any time.

use sapwood::pagefile::{Error, Options, PageFile};

use crate::sim::{Model, SimDisk, change, filled};

/// A golden file: its name, and how it is made.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    make: fn(&SimDisk) -> Result<(), Error>,
}

impl Golden {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let disk = SimDisk::default();
        (self.make)(&disk).unwrap();
        disk.image()
    }
}

pub(crate) const GOLDEN: [Golden; 12] = [
    Golden {
        name: "empty",
        make: |disk| open(disk, 4096).map(drop),
    },
    Golden {
        name: "buckets-in-slot",
        make: buckets_in_slot,
    },
    Golden {
        name: "buckets-in-pages",
        make: buckets_in_pages,
    },
    Golden {
        name: "nested",
        make: nested,
    },
    Golden {
        name: "values",
        make: values,
    },
    Golden {
        name: "long-keys",
        make: long_keys,
    },
    Golden {
        name: "churned",
        make: |disk| churned(disk).map(drop),
    },
    Golden {
        name: "churned-closed",
        make: |disk| churned(disk)?.close(),
    },
    Golden {
        name: "shrunk",
        make: |disk| churned(disk)?.shrink().map(drop),
    },
    Golden {
        name: "logged",
        make: logged,
    },
    Golden {
        name: "two-phase",
        make: two_phase,
    },
    Golden {
        name: "large-pages",
        make: large_pages,
    },
];

fn open(disk: &SimDisk, page_size: u32) -> Result<PageFile, Error> {
    let options = Options::new().page_size(page_size).grow_by(0);
    options.open_storage(Box::new(disk.clone()))
}

fn buckets_in_slot(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 4096)?;
    file.update(|tx| {
        tx.create_bucket("")?.set_sequence(u64::MAX);
        let mut pods = tx.create_bucket("pods")?;
        for i in 0..300u32 {
            pods.put(format!("pod-{i:04}"), i.to_be_bytes())?;
        }
        pods.put("", "")?;
        tx.create_bucket(b"\xff\x00")?;
        Ok(())
    })
}

fn buckets_in_pages(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 512)?;
    for round in 0..4u64 {
        file.update(|tx| {
            for i in 0..40u64 {
                let mut bucket = tx.bucket_or_create(format!("bucket {i:02}"))?;
                bucket.put(round.to_be_bytes(), filled(i as usize, i))?;
                bucket.next_sequence();
            }
            tx.delete_bucket(format!("bucket {:02}", round * 7))
                .map(drop)
        })?;
    }
    Ok(())
}

fn nested(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 1024)?;
    file.update(|tx| {
        let mut path = Vec::new();
        for depth in 0..12u64 {
            path.push(format!("depth {depth}"));
            let mut bucket = tx.bucket_or_create_at(&path)?;
            bucket.set_sequence(depth);
            for i in 0..=depth * 3 {
                bucket.put([depth as u8, i as u8], filled(30, i))?;
            }
            tx.bucket_or_create_at(path.iter().map(String::as_str).chain(["empty"]))?;
        }
        Ok(())
    })
}

fn values(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 512)?;
    file.update(|tx| {
        let mut bucket = tx.create_bucket("values")?;
        for len in [0, 1, 127, 128, 129, 495, 496, 497, 1008, 1009, 5000, 20_000] {
            bucket.put(format!("{len:05}"), filled(len, len as u64))?;
        }
        Ok(())
    })
}

fn long_keys(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 512)?;
    file.update(|tx| {
        let mut bucket = tx.create_bucket(filled(1024, 1))?;
        for i in 0..24u64 {
            let len = [1, 20, 200, 450, 900, 3000][i as usize % 6];
            bucket.put(filled(len, i), filled(40, i))?;
        }
        bucket.put(vec![0xFF; 65_535], "the longest key").map(drop)
    })
}

/// Not closed: the newest commit is to be verified, and the other slot leads to the state before it.
fn churned(disk: &SimDisk) -> Result<PageFile, Error> {
    let file = open(disk, 512)?;
    let mut model = Model::new();
    for seed in 0..60 {
        change(&file, &mut model, seed)?;
    }
    Ok(file)
}

/// Not closed: what the newest commits did is in the log, of all kinds of steps, in buckets that lie in others, some of it twice over.
fn logged(disk: &SimDisk) -> Result<(), Error> {
    let options = Options::new().page_size(512).grow_by(0);
    let options = options.log_size(2048).initial_size(66_000);
    let file = options.open_storage(Box::new(disk.clone()))?;
    file.update(|tx| {
        let mut pods = tx.create_bucket("pods")?;
        for i in 0..60u32 {
            pods.put(i.to_be_bytes(), filled(20, i.into()))?;
        }
        pods.create_bucket("eu")?.put("large", filled(3000, 1))?;
        tx.create_bucket("nodes").map(drop)
    })?;
    for round in 0..11u32 {
        file.update(|tx| {
            let mut pods = tx.bucket_or_create("pods")?;
            for i in 0..4 {
                pods.put((round * 7 + i * 13).to_be_bytes(), filled(30, round.into()))?;
                pods.delete((round * 5 + i * 11).to_be_bytes())?;
            }
            let mut eu = tx.bucket_or_create_at(["pods", "eu"])?;
            eu.put("large", filled(400, round.into()))?;
            eu.set_sequence(round.into());
            tx.bucket_or_create("nodes")?.put("", []).map(drop)
        })?;
    }
    assert!(file.stats().log_bytes > 0, "the newest ones are logged");
    Ok(())
}

fn two_phase(disk: &SimDisk) -> Result<(), Error> {
    let options = Options::new().page_size(2048).two_phase(true).grow_by(0);
    let file = options.open_storage(Box::new(disk.clone()))?;
    let mut model = Model::new();
    for seed in 100..120 {
        change(&file, &mut model, seed)?;
    }
    Ok(())
}

fn large_pages(disk: &SimDisk) -> Result<(), Error> {
    let file = open(disk, 65_536)?;
    file.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        for i in 0..500u32 {
            bucket.put(i.to_be_bytes(), i.to_le_bytes())?;
        }
        Ok(())
    })
}
