//! The bytes of keys, one by one. They are part of the file format: where one of these tests has to be changed, old files cannot be read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, SystemTime},
};

use sapwood::key::{Key, KeyOf, Total, encode};

/// Checks the bytes of a key, written in hexadecimal, blanks between them.
#[track_caller]
fn golden<K: Key>(key: impl KeyOf<K>, expected: &str) {
    let bytes = encode::<K>(&key);
    let found: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(found.join(" "), expected, "{key:?}");
}

/// Numbers are big-endian, and signed ones have their sign bit flipped.
#[test]
fn numbers() {
    golden::<bool>(false, "00");
    golden::<bool>(true, "01");
    golden::<u8>(255, "FF");
    golden::<u16>(258, "01 02");
    golden::<u32>(1, "00 00 00 01");
    golden::<u64>(1 << 32, "00 00 00 01 00 00 00 00");
    golden::<u128>(1, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01");
    golden::<usize>(2, "00 00 00 00 00 00 00 02");
    golden::<i8>(-128, "00");
    golden::<i16>(-1, "7F FF");
    golden::<i32>(-1, "7F FF FF FF");
    golden::<i32>(0, "80 00 00 00");
    golden::<i32>(1, "80 00 00 01");
    golden::<i64>(-2, "7F FF FF FF FF FF FF FE");
    golden::<i128>(0, "80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    golden::<isize>(-1, "7F FF FF FF FF FF FF FF");
    golden::<char>('a', "00 00 00 61");
}

/// Floats sort as numbers; the two zeros are one, and so are all NaN, which come last.
#[test]
fn floats() {
    golden::<Total<f64>>(-1.5, "40 07 FF FF FF FF FF FF");
    golden::<Total<f64>>(0.0, "80 00 00 00 00 00 00 00");
    golden::<Total<f64>>(-0.0, "80 00 00 00 00 00 00 00");
    golden::<Total<f64>>(1.5, "BF F8 00 00 00 00 00 00");
    golden::<Total<f64>>(f64::INFINITY, "FF F0 00 00 00 00 00 00");
    golden::<Total<f64>>(f64::NEG_INFINITY, "00 0F FF FF FF FF FF FF");
    golden::<Total<f64>>(f64::NAN, "FF F8 00 00 00 00 00 00");
    golden::<Total<f64>>(-f64::NAN, "FF F8 00 00 00 00 00 00");
    golden::<Total<f32>>(1.0_f32, "BF 80 00 00");
    golden::<Total<f32>>(f32::NAN, "FF C0 00 00");
}

/// Strings and bytes are escaped and ended, so that a number after them is never taken for a part of them.
#[test]
fn strings_and_lists() {
    golden::<String>("", "00 01");
    golden::<String>("a", "61 00 01");
    golden::<String>("a\0", "61 00 FF 00 01");
    golden::<String>("ab", "61 62 00 01");
    golden::<String>("ÿ", "C3 BF 00 01");
    golden::<Vec<u8>>([0, 0xFF], "00 FF FF 00 01");
    golden::<[u8; 3]>([0, 1, 0xFF], "00 01 FF");
    golden::<[u16; 2]>([1, 2], "00 01 00 02");
    golden::<Vec<u16>>([1, 2], "01 00 01 01 00 02 00");
    golden::<Vec<u16>>(Vec::<u16>::new(), "00");
    golden::<Vec<String>>(["a"], "01 61 00 01 00");
    golden::<BTreeSet<bool>>(BTreeSet::from([true, false]), "01 00 01 01 00");
    golden::<(String, u8)>(("a", 255), "61 00 01 FF");
    golden::<(String, u8)>(("a\0", 1), "61 00 FF 00 01 01");
}

/// Options, descending columns and what they make together.
#[test]
fn options_and_reversed() {
    golden::<Option<u8>>(None::<u8>, "00");
    golden::<Option<u8>>(Some(0), "01 00");
    golden::<Reverse<String>>(Reverse("a"), "9E FF FE");
    golden::<Reverse<String>>(Reverse("ab"), "9E 9D FF FE");
    golden::<(i32, Reverse<String>, Option<u8>)>(
        (-1, Reverse("a"), None::<u8>),
        "7F FF FF FF 9E FF FE 00",
    );
}

/// Addresses are as they are on the wire.
#[test]
fn addresses() {
    golden::<Ipv4Addr>(Ipv4Addr::new(10, 0, 0, 1), "0A 00 00 01");
    golden::<IpAddr>(Ipv4Addr::new(10, 0, 0, 1), "04 0A 00 00 01");
    golden::<IpAddr>(
        Ipv6Addr::LOCALHOST,
        "06 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01",
    );
}

/// A point in time is a whole second, rounded down, and what comes after it, also before 1970.
#[test]
fn times() {
    let epoch = SystemTime::UNIX_EPOCH;
    golden::<SystemTime>(epoch, "80 00 00 00 00 00 00 00 00 00 00 00");
    golden::<SystemTime>(
        epoch + Duration::new(1, 2),
        "80 00 00 00 00 00 00 01 00 00 00 02",
    );
    golden::<SystemTime>(
        epoch - Duration::from_nanos(1),
        "7F FF FF FF FF FF FF FF 3B 9A C9 FF",
    );
    golden::<SystemTime>(
        epoch - Duration::from_secs(1),
        "7F FF FF FF FF FF FF FF 00 00 00 00",
    );
    golden::<Duration>(Duration::new(1, 2), "00 00 00 00 00 00 00 01 00 00 00 02");
}

#[derive(Key, Debug)]
enum Phase {
    Pending,
    Bound { node: String },
    Failed(u8, u8),
}

#[derive(Key, Debug)]
struct Name(String);

#[derive(Key, Debug)]
struct Port {
    name: Name,
    number: u16,
}

/// A derived enum is the number of its variant and its fields, a derived struct its fields.
#[test]
fn derived() {
    golden::<Phase>(Phase::Pending, "00");
    golden::<Phase>(Phase::Bound { node: "a".into() }, "01 61 00 01");
    golden::<Phase>(Phase::Failed(7, 8), "02 07 08");
    golden::<Option<Phase>>(Phase::Pending, "01 00");
    golden::<Port>(
        Port {
            name: Name("a".into()),
            number: 80,
        },
        "61 00 01 00 50",
    );
}

/// An enum of more than 256 variants.
mod large {
    use super::Key;

    #[derive(Key, Debug)]
    #[allow(dead_code)]
    #[rustfmt::skip]
    pub(super) enum Large {
        V0, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19,
        V20, V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31, V32, V33, V34, V35, V36, V37,
        V38, V39, V40, V41, V42, V43, V44, V45, V46, V47, V48, V49, V50, V51, V52, V53, V54, V55,
        V56, V57, V58, V59, V60, V61, V62, V63, V64, V65, V66, V67, V68, V69, V70, V71, V72, V73,
        V74, V75, V76, V77, V78, V79, V80, V81, V82, V83, V84, V85, V86, V87, V88, V89, V90, V91,
        V92, V93, V94, V95, V96, V97, V98, V99, V100, V101, V102, V103, V104, V105, V106, V107,
        V108, V109, V110, V111, V112, V113, V114, V115, V116, V117, V118, V119, V120, V121, V122,
        V123, V124, V125, V126, V127, V128, V129, V130, V131, V132, V133, V134, V135, V136, V137,
        V138, V139, V140, V141, V142, V143, V144, V145, V146, V147, V148, V149, V150, V151, V152,
        V153, V154, V155, V156, V157, V158, V159, V160, V161, V162, V163, V164, V165, V166, V167,
        V168, V169, V170, V171, V172, V173, V174, V175, V176, V177, V178, V179, V180, V181, V182,
        V183, V184, V185, V186, V187, V188, V189, V190, V191, V192, V193, V194, V195, V196, V197,
        V198, V199, V200, V201, V202, V203, V204, V205, V206, V207, V208, V209, V210, V211, V212,
        V213, V214, V215, V216, V217, V218, V219, V220, V221, V222, V223, V224, V225, V226, V227,
        V228, V229, V230, V231, V232, V233, V234, V235, V236, V237, V238, V239, V240, V241, V242,
        V243, V244, V245, V246, V247, V248, V249, V250, V251, V252, V253, V254, V255, V256,
    }
}

/// Past 256 variants the number of a variant takes two bytes, in all of them.
#[test]
fn large_enums() {
    golden::<large::Large>(large::Large::V0, "00 00");
    golden::<large::Large>(large::Large::V256, "01 00");
}
