//! The workloads whose crashes are tried.

use sapwood::pagefile::{Error, Options, PageFile};

use super::{
    faults::{
        change::{Shape, change},
        state::State,
    },
    sim::Random,
};

/// What a workload does from one commit to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Commit,
    /// A commit that is left to a later sync.
    Unsynced,
    Sync,
    /// A durable commit that changes nothing.
    Empty,
    /// A transaction that is dropped.
    Abort,
    /// Closes the file and opens it again.
    Close,
    /// Drops the handle, and what was not synced, and opens the file again.
    Drop,
    /// Begins to read, and goes on reading while others commit.
    Hold,
    Release,
    /// A copy of the state is made: the file itself must not be written.
    Backup,
    /// The file is made shorter where it lies.
    Shrink,
    /// A large bucket comes and goes: it leaves the end of the file free.
    Burst,
}

use Step::{
    Abort, Backup, Burst, Close, Commit, Drop, Empty, Hold, Release, Shrink, Sync, Unsynced,
};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) page_size: u32,
    pub(crate) two_phase: bool,
    pub(crate) grow_by: u64,
    /// The length of the log and of a new file.
    pub(crate) log: (u64, u64),
    /// What the disk writes at once, or not at all.
    pub(crate) sector: usize,
    pub(crate) shape: Shape,
    pub(crate) steps: usize,
    /// With what it begins; then steps are drawn from the mix.
    pub(crate) first: &'static [Step],
    pub(crate) mix: &'static [Step],
}

const SMALL: Shape = Shape {
    keys: 30,
    longest: 900,
    most: 5,
    structure: true,
};

/// Rows only, in buckets that stay.
const ROWS: Shape = Shape {
    keys: 40,
    longest: 200,
    most: 3,
    structure: false,
};

const TEMPLATE: Scenario = Scenario {
    name: "",
    page_size: 512,
    two_phase: false,
    grow_by: 4096,
    log: (0, 0),
    sector: 512,
    shape: SMALL,
    steps: 22,
    first: &[],
    mix: &[Commit],
};

pub(crate) const SCENARIOS: [Scenario; 17] = [
    Scenario {
        name: "one sync",
        ..TEMPLATE
    },
    Scenario {
        name: "two phases",
        two_phase: true,
        ..TEMPLATE
    },
    Scenario {
        name: "a few sectors for each commit",
        shape: Shape {
            most: 1,
            longest: 200,
            structure: false,
            keys: 40,
        },
        steps: 40,
        ..TEMPLATE
    },
    Scenario {
        name: "unsynced commits",
        mix: &[Commit, Unsynced, Unsynced, Unsynced, Sync, Empty, Abort],
        steps: 40,
        ..TEMPLATE
    },
    Scenario {
        name: "unsynced commits in two phases, with readers",
        mix: &[Commit, Unsynced, Unsynced, Sync, Hold, Release],
        two_phase: true,
        steps: 36,
        ..TEMPLATE
    },
    Scenario {
        name: "closed and opened again",
        mix: &[Commit, Commit, Unsynced, Close, Drop],
        steps: 34,
        ..TEMPLATE
    },
    Scenario {
        name: "readers and copies meanwhile",
        mix: &[Commit, Commit, Commit, Hold, Release, Backup],
        steps: 36,
        ..TEMPLATE
    },
    Scenario {
        name: "made shorter again and again",
        mix: &[
            Commit, Commit, Unsynced, Burst, Shrink, Shrink, Close, Hold, Release,
        ],
        steps: 26,
        ..TEMPLATE
    },
    Scenario {
        // The end of a file is given back when it was not needed for so many commits.
        name: "the end given back after many small commits",
        shape: Shape {
            most: 1,
            longest: 60,
            structure: false,
            keys: 10,
        },
        grow_by: 512,
        first: &[Commit, Burst],
        steps: 80,
        ..TEMPLATE
    },
    Scenario {
        name: "large commits in a growing file",
        page_size: 1024,
        grow_by: 1024,
        shape: Shape {
            most: 24,
            longest: 2500,
            ..SMALL
        },
        steps: 14,
        ..TEMPLATE
    },
    Scenario {
        name: "pages and sectors of 4 KiB",
        page_size: 4096,
        grow_by: 16 * 1024,
        sector: 4096,
        shape: Shape {
            longest: 6000,
            keys: 60,
            ..SMALL
        },
        mix: &[Commit, Commit, Commit, Unsynced, Close],
        ..TEMPLATE
    },
    Scenario {
        name: "pages of 8 KiB on sectors of 512 bytes",
        page_size: 8192,
        grow_by: 8192,
        shape: Shape {
            longest: 9000,
            ..SMALL
        },
        steps: 16,
        ..TEMPLATE
    },
    Scenario {
        name: "pages of 64 KiB on sectors of 4 KiB",
        page_size: 65_536,
        grow_by: 65_536,
        sector: 4096,
        mix: &[Commit, Commit, Unsynced, Sync, Close],
        steps: 8,
        ..TEMPLATE
    },
    Scenario {
        name: "commits in a log",
        log: (4096, 200 * 1024),
        shape: ROWS,
        mix: &[Commit, Commit, Commit, Commit, Drop, Hold, Release],
        steps: 40,
        ..TEMPLATE
    },
    Scenario {
        name: "a log, and what does not go into it",
        log: (4096, 200 * 1024),
        shape: Shape {
            most: 1,
            longest: 300,
            ..SMALL
        },
        mix: &[
            Commit, Commit, Commit, Commit, Commit, Unsynced, Sync, Close, Drop, Backup, Hold,
            Release,
        ],
        steps: 44,
        ..TEMPLATE
    },
    Scenario {
        name: "a log, and the file made shorter",
        log: (2048, 100 * 1024),
        shape: ROWS,
        first: &[
            Commit, Commit, Commit, Commit, Commit, Commit, Burst, Commit, Shrink,
        ],
        mix: &[
            Commit, Commit, Commit, Commit, Commit, Unsynced, Burst, Shrink, Close,
        ],
        ..TEMPLATE
    },
    Scenario {
        name: "a log in pages of 4 KiB",
        page_size: 4096,
        grow_by: 16 * 1024,
        log: (16 * 1024, 1024 * 1024),
        shape: Shape {
            longest: 1500,
            ..ROWS
        },
        mix: &[Commit, Commit, Commit, Commit, Commit, Drop, Close],
        steps: 30,
        ..TEMPLATE
    },
];

impl Scenario {
    pub(crate) fn options(&self) -> Options {
        Options::new()
            .page_size(self.page_size)
            .two_phase(self.two_phase)
            .grow_by(self.grow_by)
            .log_size(self.log.0)
            .initial_size(self.log.1)
    }

    /// The step of this number.
    pub(crate) fn step(&self, number: usize, random: &mut Random) -> Step {
        let drawn = self.mix[random.below(self.mix.len())];
        self.first.get(number).copied().unwrap_or(drawn)
    }

    /// One durable transaction, done to the file and to the model, which stays as it was where it fails.
    pub(crate) fn commit(
        &self,
        file: &PageFile,
        state: &mut State,
        seed: u64,
        durable: bool,
    ) -> Result<u64, Error> {
        let mut tx = file.begin_write()?;
        let mut next = state.clone();
        change(&mut tx, &mut next, self.shape, seed)?;
        let number = if durable {
            tx.commit()?
        } else {
            tx.commit_unsynced()?
        };
        *state = next;
        Ok(number)
    }
}
