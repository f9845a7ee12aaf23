//! Network addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, option::stands_for_some, take};

/// What comes before an address that may be of either family.
pub(super) const V4: u8 = 4;
pub(super) const V6: u8 = 6;

macro_rules! address {
    ($($type:ident $len:literal)*) => {$(
        impl KeyOf<$type> for $type {
            fn encode(&self, out: &mut KeyBuf) {
                out.extend_from_slice(&self.octets());
            }
        }

        stands_for_some!($type as $type);

        impl KeyOf<IpAddr> for $type {
            fn encode(&self, out: &mut KeyBuf) {
                KeyOf::<IpAddr>::encode(&IpAddr::from(*self), out);
            }
        }

        stands_for_some!($type as IpAddr);

        impl Key for $type {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                take::<$len>(input).map(Self::from)
            }
        }
    )*};
}

address!(Ipv4Addr 4 Ipv6Addr 16);

impl KeyOf<IpAddr> for IpAddr {
    fn encode(&self, out: &mut KeyBuf) {
        match self {
            Self::V4(address) => {
                out.push(V4);
                KeyOf::<Ipv4Addr>::encode(address, out);
            }
            Self::V6(address) => {
                out.push(V6);
                KeyOf::<Ipv6Addr>::encode(address, out);
            }
        }
    }
}

stands_for_some!(IpAddr as IpAddr);

impl Key for IpAddr {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        match u8::decode(input)? {
            V4 => Ipv4Addr::decode(input).map(Self::V4),
            V6 => Ipv6Addr::decode(input).map(Self::V6),
            _ => Err(KeyDecodeError::Invalid {
                expected: "IP address",
            }),
        }
    }
}
