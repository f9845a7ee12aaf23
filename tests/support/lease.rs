//! A third table, with the kinds of index that the first has not: of optional, signed and enum columns, of pairs, computed of several columns, sparse and
//! unique at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sapwood::{Key, Query, Table};
use serde::{Deserialize, Serialize};

use super::ask::{
    Ask, Pick, Wanted, bound, one_column, optional, ranged, size_of, text, two_columns,
};
use super::model::{Model, Rows};
use super::modelled::{Kind, Modelled, Part, Parts, kind, number};

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Free,
    Held { by: u8 },
    Lost,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "leases", key(desc(id)))]
#[table(index(by_state_until, on[state, desc(until)], when(is_known)))]
#[table(index(by_zone_port, on[zone, port], unique, sparse))]
#[table(index(by_slot, with(slot) -> (i8, bool)))]
#[table(index(by_initial, with(initial) -> char, sparse))]
#[table(index(by_route, with(routes) -> (String, u8), each, unique))]
pub(crate) struct Lease {
    pub(crate) id: i16,
    #[index(unique, sparse)]
    pub(crate) holder: Option<String>,
    #[index(each)]
    pub(crate) labels: BTreeMap<String, u8>,
    pub(crate) state: State,
    pub(crate) until: u32,
    pub(crate) zone: Option<u8>,
    pub(crate) port: u8,
    pub(crate) note: String,
}

fn is_known(lease: &Lease) -> bool {
    lease.state != State::Lost
}

fn slot(lease: &Lease) -> (i8, bool) {
    ((lease.id % 7) as i8, lease.holder.is_some())
}

fn initial(lease: &Lease) -> Option<char> {
    lease.note.chars().next()
}

fn routes(lease: &Lease) -> impl Iterator<Item = (&str, u8)> {
    let parts = lease.note.split('-').filter(|part| !part.is_empty());
    parts.map(|part| (part, lease.port))
}

fn place(state: State) -> Part {
    number(match state {
        State::Free => 0,
        State::Held { by } => 256 + i64::from(by),
        State::Lost => 1000,
    })
}

fn state(pick: u8) -> State {
    match pick % 4 {
        0 => State::Free,
        1 => State::Lost,
        _ => State::Held { by: pick % 5 },
    }
}

/// On both sides of zero, and of a byte.
fn id(pick: u8) -> i16 {
    if pick < 220 {
        i16::from(pick % 12) - 5
    } else {
        (i16::from(pick) - 240) * 100
    }
}

fn zone(pick: u8) -> Option<u8> {
    (!pick.is_multiple_of(3)).then_some(pick % 4)
}

impl Modelled for Lease {
    const KINDS: &'static [Kind] = &[
        kind("by_id", true),
        kind("by_state_until", false),
        kind("by_zone_port", true),
        kind("by_slot", false),
        kind("by_initial", false),
        kind("by_route", true),
        kind("by_holder", true),
        kind("by_labels", false),
    ];

    fn key(&self) -> Reverse<i16> {
        Reverse(self.id)
    }

    /// The column, which is the same either way round.
    fn words(key: &Reverse<i16>) -> String {
        key.0.to_string()
    }

    fn entries(&self, index: usize) -> BTreeSet<Parts> {
        let one = |parts: Parts| BTreeSet::from([parts]);
        match index {
            0 => one(vec![number(-self.id)]),
            1 if !is_known(self) => BTreeSet::new(),
            1 => one(vec![place(self.state), number(-i64::from(self.until))]),
            2 => {
                let zones = self.zone.into_iter();
                zones
                    .map(|zone| vec![number(zone), number(self.port)])
                    .collect()
            }
            3 => one(vec![
                number(slot(self).0),
                number(i64::from(self.holder.is_some())),
            ]),
            4 => initial(self).map(letter).into_iter().collect(),
            5 => routes(self).map(route).collect(),
            6 => {
                let holders = self.holder.as_deref().into_iter();
                holders.map(|holder| vec![Part::from(holder)]).collect()
            }
            _ => {
                let labels = self.labels.iter();
                labels
                    .map(|(name, value)| vec![Part::from(name.as_str()), number(*value)])
                    .collect()
            }
        }
    }

    fn ask(pick: Pick) -> Ask<Self> {
        let index = usize::from(pick.index) % Self::KINDS.len();
        let (query, wanted) = match index {
            0 => one_column!(
                pick,
                Self::BY_ID,
                |pick| Reverse(id(pick)),
                |id: Reverse<i16>| vec![number(-id.0)]
            ),
            1 => by_state_until(pick),
            2 => by_zone_port(pick),
            3 => by_slot(pick),
            4 => one_column!(pick, Self::BY_INITIAL, first_letter, letter),
            5 => by_route(pick),
            6 => pick.one_text(Self::BY_HOLDER),
            _ => by_labels(pick),
        };
        Ask {
            query,
            index,
            added: None,
            wanted,
        }
    }

    fn rows(model: &Model) -> &Rows<Self> {
        &model.leases
    }

    fn rows_mut(model: &mut Model) -> &mut Rows<Self> {
        &mut model.leases
    }

    fn make(bytes: [u8; 9], _: bool) -> Self {
        let [number, holder, labels, by, until, at, port, note, extra] = bytes;
        let id = id(number);
        Self {
            id,
            holder: optional(holder).map(|holder| format!("{holder}{}", extra % 8)),
            labels: (0..labels % 4)
                .map(|i| (text(labels / 4 + i * 3), labels % 5 + i))
                .collect(),
            state: state(by),
            until: size_of(until),
            zone: zone(at),
            port: port % 40,
            note: text(note % 40),
        }
    }

    fn take(&mut self, from: Self, which: u8) {
        match which % 4 {
            0 => (self.holder, self.zone) = (from.holder, from.zone),
            1 => (self.state, self.until) = (from.state, from.until),
            2 => self.labels = from.labels,
            _ => (self.port, self.note) = (from.port, from.note),
        }
    }

    fn change_key(&mut self) {
        self.id += 1;
    }

    fn neighbour(&self, place: u16) -> Self {
        Self {
            id: self.id + place.cast_signed() * 3,
            holder: None,
            zone: None,
            note: String::new(),
            until: self.until + u32::from(place % 5),
            ..self.clone()
        }
    }
}

type Found = (Query<Lease>, Wanted);

fn letter(letter: char) -> Parts {
    vec![number(u32::from(letter))]
}

fn first_letter(pick: u8) -> char {
    text(pick).chars().next().unwrap_or('z')
}

fn route<S: AsRef<str>>((name, value): (S, u8)) -> Parts {
    vec![Part::from(name.as_ref()), number(value)]
}

fn by_state_until(pick: Pick) -> Found {
    two_columns!(
        pick,
        Lease::BY_STATE_UNTIL,
        |[by, until]: [u8; 2]| (state(by), Reverse(size_of(until))),
        |state: State| vec![place(state)],
        |(state, until): (State, Reverse<u32>)| vec![place(state), number(-i64::from(until.0))]
    )
}

fn by_zone_port(pick: Pick) -> Found {
    two_columns!(
        pick,
        Lease::BY_ZONE_PORT,
        |[zone, port]: [u8; 2]| (zone % 4, port % 40),
        |zone: u8| vec![number(zone)],
        |(zone, port): (u8, u8)| vec![number(zone), number(port)]
    )
}

fn by_slot(pick: Pick) -> Found {
    two_columns!(
        pick,
        Lease::BY_SLOT,
        |[slot, held]: [u8; 2]| ((slot % 13).cast_signed() - 6, held % 2 == 0),
        |slot: i8| vec![number(slot)],
        |(slot, held): (i8, bool)| vec![number(slot), number(i64::from(held))]
    )
}

fn by_route(pick: Pick) -> Found {
    two_columns!(
        pick,
        Lease::BY_ROUTE,
        |[part, port]: [u8; 2]| (text(part % 40), port % 40),
        |part: String| vec![Part::Text(part)],
        route
    )
}

fn by_labels(pick: Pick) -> Found {
    two_columns!(
        pick,
        Lease::BY_LABELS,
        |[name, value]: [u8; 2]| (text(name), value % 8),
        |name: String| vec![Part::Text(name)],
        route
    )
}
