//! Keys of the crate `ipnet`: the address of a network, then its length.
#![cfg(feature = "ipnet")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, option::stands_for_some};

macro_rules! network {
    ($($type:ident of $address:ident)*) => {$(
        impl KeyOf<$type> for $type {
            fn encode(&self, out: &mut KeyBuf) {
                KeyOf::<$address>::encode(&self.addr(), out);
                out.push(self.prefix_len());
            }
        }

        stands_for_some!($type as $type);

        impl Key for $type {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                let (address, len) = <($address, u8)>::decode(input)?;
                Self::new(address, len).map_err(|_| KeyDecodeError::Invalid {
                    expected: "network",
                })
            }
        }
    )*};
}

network!(Ipv4Net of Ipv4Addr Ipv6Net of Ipv6Addr IpNet of IpAddr);
