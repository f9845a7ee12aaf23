//! The journal while the file is open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::super::{Error, PageFile, Stats, WriteTxn, shared::Shared};
use super::group;
use super::replay::{End, remains, replay};
use super::stretches::{MOST, Stretches};

/// The journal of an open page file. One thread appends at a time, while the file's writer goes on.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    appender: Appender,
}

/// Where groups go, and which of them count. It knows no file: whoever has it has that as well.
#[derive(Default)]
pub(in crate::pagefile) struct Appender(Mutex<State>);

/// The most memory, in bytes, that is kept from one group to the next.
const KEPT: usize = 1 << 20;

#[derive(Default)]
struct State {
    /// What the newest meta says.
    stretches: Stretches,
    /// Where the next group goes.
    end: End,
    /// What was written and not passed by the beginning: where it is, and its mark.
    groups: VecDeque<(End, u64)>,
    /// The bytes of these groups.
    bytes: u64,
    /// Memory for the pages of a group, kept for the next one.
    buffer: Vec<u8>,
    /// Pages that hold the beginning of a group which a crash interrupted.
    remains: Vec<u64>,
}

/// Where a commit moves the journal's beginning, and how much room it makes behind the end.
pub(in crate::pagefile) struct Moved {
    /// Without the new stretch, which the commit finds a place for.
    pub(in crate::pagefile) stretches: Stretches,
    /// The pages of the new stretch; 0 for none.
    pub(in crate::pagefile) pages: u64,
    /// Whether the commit does without the new stretch where the file has no room for it.
    pub(in crate::pagefile) is_optional: bool,
}

impl PageFile {
    /// Opens the journal and reads it: `each` gets every record, in order, and gives the mark that its group was written with, or one that sorts like it.
    ///
    /// To be called once, before anything is written.
    ///
    /// # Errors
    /// [`Error::Corrupted`] where a group is damaged, and it was not the last one; [`Error::Io`]; what `each` gives.
    pub(crate) fn open_journal<E: From<Error>>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<u64, E>,
    ) -> Result<Journal, E> {
        let shared = Arc::clone(&self.shared);
        self.give_up_log()?;
        let before = shared.snapshot();
        let stretches = if before.journal.is_log {
            // Read already, as commits of the file.
            Stretches::default()
        } else {
            Stretches::clone(&before.journal)
        };
        let appender = Appender::open(&shared, stretches, |record| each(record))?;
        Ok(Journal { shared, appender })
    }
}

impl State {
    /// How many pages there are behind the end.
    fn ahead(&self) -> u64 {
        let stretches = self.stretches.list.iter().skip(self.end.stretch);
        let pages: u64 = stretches.map(|stretch| stretch.run.pages).sum();
        pages - u64::from(self.end.page)
    }

    /// The place for a group of so many pages: in the stretch that is being filled, or at the beginning of the next one.
    fn room(&self, pages: u32) -> Option<End> {
        let End {
            stretch,
            page,
            group,
        } = self.end;
        let fits = |stretch: usize, page: u32| {
            let stretch = self.stretches.list.get(stretch)?;
            (u64::from(page) + u64::from(pages) <= stretch.run.pages).then_some(())
        };
        if fits(stretch, page).is_some() {
            return Some(self.end);
        }
        fits(stretch + 1, 0).map(|()| End {
            stretch: stretch + 1,
            page: 0,
            group,
        })
    }

    fn count_bytes(&mut self, shared: &Shared) {
        let from = self.groups.front().map_or(self.end, |(place, _)| *place);
        let before = |place: End| {
            let whole = self.stretches.list.iter().take(place.stretch);
            whole.map(|stretch| stretch.run.pages).sum::<u64>() + u64::from(place.page)
        };
        let pages = before(self.end) - before(from);
        self.bytes = pages * u64::from(shared.medium.page_size);
    }
}

impl Appender {
    /// Reads what there is: `each` gets every record, in order, and gives the mark that its group was written with, or one that sorts like it.
    pub(in crate::pagefile) fn open<E: From<Error>>(
        shared: &Shared,
        stretches: Stretches,
        mut each: impl FnMut(&[u8]) -> Result<u64, E>,
    ) -> Result<Self, E> {
        let mut groups: VecDeque<(End, u64)> = VecDeque::new();
        let (storage, page_size) = (&*shared.medium.storage, shared.medium.page_size);
        let end = replay(
            storage,
            page_size,
            &stretches,
            |record, place| -> Result<(), E> {
                let mark = each(record)?;
                match groups.back_mut() {
                    Some((last, last_mark)) if *last == place => *last_mark = mark,
                    _ => groups.push_back((place, mark)),
                }
                Ok(())
            },
        )?;
        let remains = remains(storage, page_size, &stretches, end)?;
        let mut state = State {
            stretches,
            end,
            groups,
            bytes: 0,
            buffer: Vec::new(),
            remains,
        };
        state.count_bytes(shared);
        Ok(Self(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a meta names any of it.
    pub(in crate::pagefile) fn is_there(&self) -> bool {
        !self.state().stretches.list.is_empty()
    }

    /// Whether it holds groups that count.
    pub(in crate::pagefile) fn is_empty(&self) -> bool {
        self.state().groups.is_empty()
    }

    /// The bytes from the beginning to the end.
    pub(in crate::pagefile) fn bytes(&self) -> u64 {
        self.state().bytes
    }

    /// Writes records as one group and syncs: on return they are durable. `false`, and nothing was written, where there is no room for them; a commit that
    /// [moves](Self::commit) the beginning makes some. `mark` is what the caller knows the group by, and rises.
    ///
    /// # Errors
    /// [`Error::Io`]: whether the group is there is not known, and nothing is written any more ([`Error::Poisoned`]).
    pub(in crate::pagefile) fn append(
        &self,
        shared: &Shared,
        records: &[impl AsRef<[u8]>],
        mark: u64,
    ) -> Result<bool, Error> {
        shared.refuse_failed()?;
        let page_size = shared.medium.page_size;
        let remains = std::mem::take(&mut self.state().remains);
        for page in remains {
            // The header and no more: the rest of the page could be what it lacks.
            shared.write_durably(page * u64::from(page_size), &[0; group::HEADER])?;
        }
        let Some(pages) = group::pages(records, page_size) else {
            return Ok(false);
        };
        let (place, stretch, mut bytes) = {
            let mut state = self.state();
            let Some(place) = state.room(pages) else {
                return Ok(false);
            };
            let buffer = std::mem::take(&mut state.buffer);
            (place, state.stretches.list[place.stretch], buffer)
        };
        let at = (stretch.number, place.page);
        group::encode(records, at, place.group, pages, page_size, &mut bytes);
        let offset = (stretch.run.start + u64::from(place.page)) * u64::from(page_size);
        // The lock is not held: a commit may name further stretches meanwhile.
        // Its pages are there already: a disk that has no room for them all the same is broken, or of a kind that nothing is known of.
        shared.write_durably(offset, &bytes)?;
        let mut state = self.state();
        if bytes.capacity() <= KEPT {
            state.buffer = bytes;
        }
        // It may have dropped some as well.
        let list = state.stretches.list.iter();
        let index = list.take_while(|other| other.number != stretch.number);
        let place = End {
            stretch: index.count(),
            ..place
        };
        state.groups.push_back((place, mark));
        state.end = End {
            page: place.page + pages,
            group: place.group + 1,
            ..place
        };
        state.count_bytes(shared);
        Ok(true)
    }

    /// What a commit is to do so that the beginning is behind the last group whose mark is `mark` or lower; as [`Journal::commit`].
    pub(in crate::pagefile) fn moved(&self, shared: &Shared, mark: u64, size: u64) -> Moved {
        self.state().moved(shared, mark, size)
    }

    /// Takes note that a commit did so.
    pub(in crate::pagefile) fn has_moved(&self, shared: &Shared, mark: u64) {
        let mut state = self.state();
        let named = Stretches::clone(&shared.snapshot().journal);
        let before = std::mem::replace(&mut state.stretches, named);
        let Some(first) = state.stretches.list.first() else {
            state.end = End {
                stretch: 0,
                page: 0,
                group: before.group.max(state.end.group),
            };
            state.groups.clear();
            state.bytes = 0;
            return;
        };
        // Those before it are dropped.
        let dropped = before.list.iter();
        let dropped = dropped.take_while(|stretch| stretch.number != first.number);
        let dropped = dropped.count();
        if state.end.stretch < dropped {
            // The end was at the very end of it.
            state.end = End {
                stretch: 0,
                page: state.stretches.page,
                ..state.end
            };
        } else {
            state.end.stretch -= dropped;
        }
        while state
            .groups
            .front()
            .is_some_and(|(_, marked)| *marked <= mark)
        {
            state.groups.pop_front();
        }
        for (place, _) in &mut state.groups {
            place.stretch -= dropped;
        }
        state.count_bytes(shared);
    }
}

impl Journal {
    /// As [`Appender::append`].
    ///
    /// # Errors
    /// [`Error::Io`]: whether the group is there is not known, and nothing is written any more ([`Error::Poisoned`]).
    pub(crate) fn append(&self, records: &[impl AsRef<[u8]>], mark: u64) -> Result<bool, Error> {
        self.appender.append(&self.shared, records, mark)
    }

    /// Whether a meta names any of it.
    pub(crate) fn is_there(&self) -> bool {
        self.appender.is_there()
    }

    /// Syncs the file, so that what was found, in the journal and in the trees, is durable even if the process that wrote it did not get so far. To be called before anybody is shown
    /// what was found.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.shared.sync()
    }

    /// Figures about the file that it lies in.
    pub(crate) fn file_stats(&self) -> Stats {
        let commit = self.shared.snapshot().commit;
        let page_size = self.shared.medium.page_size;
        self.shared.counters.stats(page_size, commit)
    }

    /// The bytes from the beginning to the end.
    pub(crate) fn bytes(&self) -> u64 {
        self.appender.bytes()
    }

    /// The bytes behind the end that groups can still go into.
    pub(crate) fn ahead(&self) -> u64 {
        self.appender.state().ahead() * u64::from(self.shared.medium.page_size)
    }

    /// Commits a transaction, and with it moves the beginning behind the last group whose mark is `mark` or lower. Where less than three quarters of `size` bytes are left ahead, a
    /// stretch of so many is added. `size` 0 gives the whole journal up, which must hold no group with a higher mark.
    ///
    /// Groups can be appended meanwhile, unless it is given up.
    ///
    /// # Errors
    /// As [`WriteTxn::commit`]. The journal is then as it was.
    pub(crate) fn commit(&self, mut txn: WriteTxn, mark: u64, size: u64) -> Result<u64, Error> {
        let moves = size > 0 || self.is_there();
        if moves {
            txn.move_journal(self.appender.moved(&self.shared, mark, size));
        }
        let commit = txn.commit()?;
        if moves {
            self.appender.has_moved(&self.shared, mark);
        }
        Ok(commit)
    }
}

impl State {
    fn moved(&self, shared: &Shared, mark: u64, size: u64) -> Moved {
        if size == 0 {
            return Moved {
                stretches: Stretches::default(),
                pages: 0,
                is_optional: self.stretches.is_log,
            };
        }
        let passed = self.groups.partition_point(|(_, marked)| *marked <= mark);
        let begin = self.groups.get(passed);
        let begin = begin.map_or(self.end, |(place, _)| *place);
        let mut list = self.stretches.list.clone();
        list.drain(..begin.stretch.min(list.len()));
        let mut page = begin.page;
        // One that is full to its end, with nothing in it that counts.
        if list
            .first()
            .is_some_and(|first| u64::from(page) == first.run.pages)
        {
            list.remove(0);
            page = 0;
        }
        let pages = (size / u64::from(shared.medium.page_size)).max(1);
        // A little less does as well: else whoever asks for a checkpoint after each commit would get a stretch with each.
        let wanted = self.ahead() < pages - pages / 4 && list.len() < MOST;
        Moved {
            stretches: Stretches {
                list,
                page,
                group: begin.group,
                is_log: self.stretches.is_log,
            },
            pages: if wanted { pages } else { 0 },
            is_optional: self.stretches.is_log,
        }
    }
}
