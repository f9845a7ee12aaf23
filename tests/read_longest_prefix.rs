//! Longest-prefix match of strings, bytes and networks finds what a look at every row finds.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sapwood::{Database, Error, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_host_path, on[host, path]))]
#[table(index(by_bytes_text, on[bytes, path], unique))]
#[table(index(by_host_alias, on[host, each(aliases)]))]
struct Rule {
    #[key]
    id: u16,
    host: u8,
    #[index]
    #[index(name = by_only_path, unique)]
    path: Option<String>,
    #[index]
    bytes: Vec<u8>,
    #[index(each)]
    aliases: Vec<String>,
}

/// Strings that share beginnings, with the bytes that keys escape and those beside them.
fn text(max: usize) -> impl Strategy<Value = String> {
    vec(
        select(vec!['\0', '\u{1}', 'a', 'b', 'é', '\u{10FFFF}']),
        0..max,
    )
    .prop_map(|symbols| symbols.into_iter().collect())
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(select(vec![0, 1, 0x61, 0xFE, 0xFF]), 0..max)
}

fn rule() -> impl Strategy<Value = Rule> {
    (
        0..3u8,
        proptest::option::weighted(0.9, text(4)),
        bytes(4),
        vec(text(4), 0..3),
    )
        .prop_map(|(host, path, bytes, aliases)| Rule {
            id: 0,
            host,
            path,
            bytes,
            aliases,
        })
}

fn database(rules: &[Rule]) -> (Database, Vec<Rule>) {
    let db = Database::builder().table::<Rule>().in_memory().unwrap();
    let mut kept = Vec::new();
    db.write(|tx| {
        for (id, rule) in (0..).zip(rules) {
            let rule = Rule { id, ..rule.clone() };
            // What a unique index refuses is not there.
            match tx.insert(rule.clone()) {
                Ok(_) => kept.push(rule),
                Err(Error::Duplicate { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })
    .unwrap();
    (db, kept)
}

/// The rows of which a key is a prefix, with the longest first; of one row its longest key.
fn expected(rules: &[Rule], keys: impl Fn(&Rule) -> Vec<Vec<u8>>, of: &[u8]) -> Vec<u16> {
    let longest = |rule: &Rule| {
        let matching = keys(rule).into_iter().filter(|key| of.starts_with(key));
        matching.map(|key| key.len()).max()
    };
    let mut found: Vec<(usize, u16)> = rules
        .iter()
        .filter_map(|rule| Some((longest(rule)?, rule.id)))
        .collect();
    found.sort_by_key(|(len, id)| (std::cmp::Reverse(*len), *id));
    found.into_iter().map(|(_, id)| id).collect()
}

/// Asks in one way, of a snapshot and of a transaction, for the longest and for all.
macro_rules! check {
    ($db:expr, $index:expr, $of:expr, $expected:expr) => {{
        let expected: Vec<u16> = $expected;
        let snapshot: Snapshot = $db.snapshot();
        let txn: WriteTxn = $db.begin_write().unwrap();
        let context = format!("{:?} of {:?}", $index, $of);
        let found: Vec<u16> = snapshot.prefixes($index, $of).map(|row| row.id).collect();
        assert_eq!(found, expected, "{context}");
        let found: Vec<u16> = txn.prefixes($index, $of).map(|row| row.id).collect();
        assert_eq!(found, expected, "{context}");
        let first = expected.first().copied();
        assert_eq!(
            snapshot.longest_prefix($index, $of).map(|row| row.id),
            first,
            "{context}"
        );
        assert_eq!(
            txn.longest_prefix($index, $of).map(|row| row.id),
            first,
            "{context}"
        );
        // The queries for each possible key, one after the other, find the same.
        let queries = $index.prefixes_of($of);
        let mut found: Vec<u16> = queries
            .flat_map(|query| snapshot.list(query))
            .map(|row| row.id)
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|id| seen.insert(*id));
        assert_eq!(found, expected, "{context}");
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Strings: alone, optional, behind a column that must be equal, in a unique index, and of a collection.
    #[test]
    fn strings(rules in vec(rule(), 0..40), of in text(6), host in 0..3u8) {
        let (db, rules) = database(&rules);
        let path = |rule: &Rule| rule.path.iter().map(|path| path.clone().into_bytes()).collect();
        check!(db, Rule::BY_PATH, &of, expected(&rules, path, of.as_bytes()));
        check!(db, Rule::BY_ONLY_PATH, of.as_str(), expected(&rules, path, of.as_bytes()));
        let here = rules.iter().filter(|rule| rule.host == host).cloned().collect::<Vec<_>>();
        check!(db, Rule::BY_HOST_PATH, (host, &of), expected(&here, path, of.as_bytes()));
        let aliases = |rule: &Rule| rule.aliases.iter().map(|alias| alias.clone().into_bytes()).collect();
        check!(db, Rule::BY_ALIASES, &of, expected(&rules, aliases, of.as_bytes()));
        check!(db, Rule::BY_HOST_ALIAS, (host, &of), expected(&here, aliases, of.as_bytes()));
    }

    /// Bytes: alone, and as the column before.
    #[test]
    fn byte_strings(rules in vec(rule(), 0..40), of in bytes(6), path in text(5)) {
        let (db, rules) = database(&rules);
        check!(db, Rule::BY_BYTES, &of, expected(&rules, |rule| vec![rule.bytes.clone()], &of));
        check!(db, Rule::BY_BYTES, of.as_slice(), expected(&rules, |rule| vec![rule.bytes.clone()], &of));
        let here = rules.iter().filter(|rule| rule.bytes == of).cloned().collect::<Vec<_>>();
        let text = |rule: &Rule| rule.path.iter().map(|path| path.clone().into_bytes()).collect();
        check!(db, Rule::BY_BYTES_TEXT, (&of, &path), expected(&here, text, path.as_bytes()));
    }
}

/// The empty string is the prefix of every string, the empty one too; `None` of none.
#[test]
fn the_empty_string_matches_everything() {
    let none = Rule {
        id: 0,
        host: 0,
        path: None,
        bytes: Vec::new(),
        aliases: Vec::new(),
    };
    let (db, _) = database(std::slice::from_ref(&none));
    assert!(db.snapshot().longest_prefix(Rule::BY_PATH, "a").is_none());
    assert!(
        db.snapshot()
            .longest_prefix(Rule::BY_BYTES, [1u8; 3])
            .is_some()
    );
    let empty = Rule {
        path: Some(String::new()),
        ..none
    };
    let (db, _) = database(&[empty]);
    for of in ["", "\0", "a", "\u{10FFFF}"] {
        assert!(
            db.snapshot().longest_prefix(Rule::BY_PATH, of).is_some(),
            "{of:?}"
        );
    }
}

/// Keys that lie between the prefix and what is asked for, each of which shares less with it: the search goes past them all.
#[test]
fn neighbours_do_not_hide_a_prefix() {
    let paths = ["a", "aaaaaaaa", "aaaaab", "aaaab", "aaab", "aab", "ab"];
    let rules: Vec<Rule> = (0..)
        .zip(paths)
        .map(|(id, path)| Rule {
            id,
            host: 0,
            path: Some(path.into()),
            bytes: vec![id as u8],
            aliases: Vec::new(),
        })
        .collect();
    let (db, _) = database(&rules);
    let found = |of: &str| {
        db.snapshot()
            .longest_prefix(Rule::BY_PATH, of)
            .map(|rule| rule.id)
    };
    assert_eq!(found("aaaaaac"), Some(0));
    assert_eq!(found("aaaac"), Some(0));
    assert_eq!(found("aabc"), Some(5));
    assert_eq!(found("b"), None);
}

#[cfg(feature = "ipnet")]
mod networks {
    use super::*;
    use ipnet::{IpNet, Ipv4Net, Ipv6Net};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(index(by_vrf_net, on[vrf, net]))]
    #[table(index(by_vrf_only_net, on[vrf, net, id], unique))]
    struct Route {
        #[key]
        id: u16,
        vrf: String,
        #[index]
        net: IpNet,
        #[index]
        v4: Option<Ipv4Net>,
        #[index]
        v6: Ipv6Net,
        #[index(each)]
        pools: Vec<IpNet>,
    }

    /// Addresses of few patterns, so that networks hold each other.
    fn v4() -> impl Strategy<Value = Ipv4Addr> {
        vec(select(vec![0, 1, 10, 0x7F, 0x80, 0xFF]), 4)
            .prop_map(|octets| Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
    }

    fn v6() -> impl Strategy<Value = Ipv6Addr> {
        // Those whose first bytes are those of IPv4 addresses, too.
        (v4(), v4(), select(vec![0, 1, u64::MAX])).prop_map(|(a, b, low)| {
            let high = u64::from(u32::from(a)) << 32 | u64::from(u32::from(b));
            Ipv6Addr::from(u128::from(high) << 64 | u128::from(low))
        })
    }

    fn net4() -> impl Strategy<Value = Ipv4Net> {
        (v4(), prop_oneof![Just(0), Just(32), 0..=32u8])
            .prop_map(|(address, len)| Ipv4Net::new(address, len).unwrap().trunc())
    }

    fn net6() -> impl Strategy<Value = Ipv6Net> {
        (v6(), prop_oneof![Just(0), Just(128), 0..=128u8])
            .prop_map(|(address, len)| Ipv6Net::new(address, len).unwrap().trunc())
    }

    fn net() -> impl Strategy<Value = IpNet> {
        prop_oneof![net4().prop_map(IpNet::V4), net6().prop_map(IpNet::V6)]
    }

    fn route() -> impl Strategy<Value = Route> {
        (
            select(vec!["", "red", "\0"]),
            net(),
            proptest::option::of(net4()),
            net6(),
            vec(net(), 0..3),
        )
            .prop_map(|(vrf, net, v4, v6, pools)| Route {
                id: 0,
                vrf: vrf.into(),
                net,
                v4,
                v6,
                pools,
            })
    }

    fn database(routes: &[Route]) -> (Database, Vec<Route>) {
        let db = Database::builder().table::<Route>().in_memory().unwrap();
        let routes: Vec<Route> = (0..)
            .zip(routes)
            .map(|(id, route)| Route {
                id,
                ..route.clone()
            })
            .collect();
        db.write(|tx| {
            routes
                .iter()
                .try_for_each(|route| tx.insert(route.clone()).map(drop))
        })
        .unwrap();
        (db, routes)
    }

    fn expected(routes: &[Route], nets: impl Fn(&Route) -> Vec<IpNet>, of: IpNet) -> Vec<u16> {
        let longest = |route: &Route| {
            let holding = nets(route).into_iter().filter(|net| net.contains(&of));
            holding.map(|net| net.prefix_len()).max()
        };
        let mut found: Vec<(u8, u16)> = routes
            .iter()
            .filter_map(|route| Some((longest(route)?, route.id)))
            .collect();
        found.sort_by_key(|(len, id)| (std::cmp::Reverse(*len), *id));
        found.into_iter().map(|(_, id)| id).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Networks of both families side by side, of one family, optional, behind another column and of a collection, by an address and by a
        /// network.
        #[test]
        fn the_smallest_network_that_holds_it(
            routes in vec(route(), 0..40),
            (four, six) in (v4(), v6()),
            of in net(),
            (of4, of6) in (net4(), net6()),
        ) {
            let (db, routes) = database(&routes);
            let net = |route: &Route| vec![route.net];
            let pools = |route: &Route| route.pools.clone();
            let only4 = |route: &Route| route.v4.map(IpNet::V4).into_iter().collect::<Vec<_>>();
            let only6 = |route: &Route| vec![IpNet::V6(route.v6)];
            let red: Vec<Route> = routes.iter().filter(|route| route.vrf == "red").cloned().collect();
            for address in [IpAddr::V4(four), IpAddr::V6(six)] {
                let whole = IpNet::from(address);
                check!(db, Route::BY_NET, address, expected(&routes, net, whole));
                check!(db, Route::BY_VRF_NET, ("red", address), expected(&red, net, whole));
                check!(db, Route::BY_POOLS, address, expected(&routes, pools, whole));
                check!(db, Route::BY_V4, address, expected(&routes, only4, whole));
                check!(db, Route::BY_V6, address, expected(&routes, only6, whole));
            }
            check!(db, Route::BY_NET, four, expected(&routes, net, IpNet::from(IpAddr::V4(four))));
            check!(db, Route::BY_NET, six, expected(&routes, net, IpNet::from(IpAddr::V6(six))));
            check!(db, Route::BY_NET, of, expected(&routes, net, of));
            check!(db, Route::BY_VRF_NET, ("red", of), expected(&red, net, of));
            check!(db, Route::BY_NET, of4, expected(&routes, net, IpNet::V4(of4)));
            check!(db, Route::BY_NET, of6, expected(&routes, net, IpNet::V6(of6)));
            check!(db, Route::BY_V4, of4, expected(&routes, only4, IpNet::V4(of4)));
            check!(db, Route::BY_V4, four, expected(&routes, only4, IpNet::from(IpAddr::V4(four))));
            check!(db, Route::BY_V6, of6, expected(&routes, only6, IpNet::V6(of6)));
        }

        /// The networks within a network, as one range that every verb takes.
        #[test]
        fn the_networks_within(routes in vec(route(), 0..40), of in net(), (of4, of6) in (net4(), net6())) {
            let (db, routes) = database(&routes);
            let snapshot = db.snapshot();
            let within = |query, of: IpNet, nets: &dyn Fn(&Route) -> Vec<IpNet>, routes: &[Route]| {
                let mut found: Vec<u16> = snapshot.list::<Route>(query).map(|route| route.id).collect();
                found.sort_unstable();
                let inside = |route: &&Route| nets(route).iter().any(|net| of.contains(net));
                let expected: Vec<u16> = routes.iter().filter(inside).map(|route| route.id).collect();
                assert_eq!(found, expected, "within {of}");
            };
            let red: Vec<Route> = routes.iter().filter(|route| route.vrf == "red").cloned().collect();
            let net = |route: &Route| vec![route.net];
            within(Route::BY_NET.within(of), of, &net, &routes);
            within(Route::BY_NET.within(of4), IpNet::V4(of4), &net, &routes);
            within(Route::BY_NET.within(of6), IpNet::V6(of6), &net, &routes);
            within(Route::BY_VRF_NET.within(("red", of)), of, &net, &red);
            within(Route::BY_VRF_ONLY_NET.within(("red", of)), of, &net, &red);
            let only4 = |route: &Route| route.v4.map(IpNet::V4).into_iter().collect();
            within(Route::BY_V4.within(of4), IpNet::V4(of4), &only4, &routes);
            within(Route::BY_V6.within(of6), IpNet::V6(of6), &|route| vec![IpNet::V6(route.v6)], &routes);
            within(Route::BY_POOLS.within(of), of, &|route| route.pools.clone(), &routes);
        }

        /// A network with bits behind its length is a prefix of nothing, and hides no other one.
        #[test]
        fn networks_that_are_not_truncated_hide_nothing(
            routes in vec(route(), 0..20),
            crooked in vec((v4(), 0..=32u8), 0..20),
            (four, of) in (v4(), (v4(), 0..=32u8)),
        ) {
            let mut mixed = routes;
            for (address, len) in crooked {
                if let Some(mut route) = mixed.first().cloned() {
                    route.net = IpNet::V4(Ipv4Net::new(address, len).unwrap());
                    mixed.push(route);
                }
            }
            let (db, routes) = database(&mixed);
            let straight = |route: &Route| {
                Some(route.net).filter(|net| *net == net.trunc()).into_iter().collect::<Vec<_>>()
            };
            check!(db, Route::BY_NET, four, expected(&routes, straight, IpNet::from(IpAddr::V4(four))));
            // One that is asked for is taken as the network that it lies in.
            let of = Ipv4Net::new(of.0, of.1).unwrap();
            check!(db, Route::BY_NET, of, expected(&routes, straight, IpNet::V4(of.trunc())));
        }
    }

    /// A network of length 0 holds every address of its family and none of the other.
    #[test]
    fn default_routes() {
        let route = |net: &str| Route {
            id: 0,
            vrf: String::new(),
            net: net.parse().unwrap(),
            v4: None,
            v6: Ipv6Net::default(),
            pools: Vec::new(),
        };
        let (db, _) = database(&[route("0.0.0.0/0")]);
        let found = |address: &str| {
            let address: IpAddr = address.parse().unwrap();
            db.snapshot()
                .longest_prefix(Route::BY_NET, address)
                .is_some()
        };
        assert!(found("0.0.0.0") && found("255.255.255.255") && found("10.1.2.3"));
        assert!(!found("::") && !found("::ffff:10.1.2.3") && !found("ffff::"));
    }
}
