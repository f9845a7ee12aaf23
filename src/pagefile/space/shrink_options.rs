//! How a file is shrunk.

/// How far [`PageFile::shrink_with`](crate::pagefile::PageFile::shrink_with) goes, and in what steps.
///
/// ```
/// use sapwood::pagefile::ShrinkOptions;
///
/// let options = ShrinkOptions::new().spare(10).step(256 * 1024);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShrinkOptions {
    pub(in crate::pagefile) spare: u32,
    pub(in crate::pagefile) step: u64,
    pub(in crate::pagefile) commits: u64,
}

impl Default for ShrinkOptions {
    fn default() -> Self {
        Self {
            spare: 3,
            step: 1 << 20,
            commits: u64::MAX,
        }
    }
}

impl ShrinkOptions {
    /// The defaults, which each method states.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of the file may stay free, in per cent of its length: nothing is moved to save less. 3 by default.
    #[must_use]
    pub fn spare(mut self, percent: u32) -> Self {
        self.spare = percent;
        self
    }

    /// About how many bytes a commit writes, so that others who want to write wait no longer than for that; 1 MiB by default. A value is moved as a whole. So much
    /// memory is needed too.
    #[must_use]
    pub fn step(mut self, bytes: u64) -> Self {
        self.step = bytes;
        self
    }

    /// The most commits that are made to move pages. What they can move is chosen so that the file gets shorter by it. No limit by default.
    #[must_use]
    pub fn commits(mut self, most: u64) -> Self {
        self.commits = most;
        self
    }
}
