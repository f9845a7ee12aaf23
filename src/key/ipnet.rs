//! Keys of the crate `ipnet`: the address of a network, then its length.
#![cfg(feature = "ipnet")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    Extends, Key, KeyBuf, KeyDecodeError, KeyOf, KeyPrefixOf, encode, extends::extends_some,
    option::stands_for_some,
};

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

/// Lets a network of one family stand for one of either.
macro_rules! either_family {
    ($($type:ident)*) => {$(
        impl KeyOf<IpNet> for $type {
            fn encode(&self, out: &mut KeyBuf) {
                KeyOf::<IpNet>::encode(&IpNet::from(*self), out);
            }
        }

        stands_for_some!($type as IpNet);
    )*};
}

either_family!(Ipv4Net Ipv6Net);

/// A type of networks, of one family or of both.
trait Network: Key {
    /// This network as one of the type.
    fn of(network: IpNet) -> Option<Self>;
}

impl Network for IpNet {
    fn of(network: IpNet) -> Option<Self> {
        Some(network)
    }
}

impl Network for Ipv4Net {
    fn of(network: IpNet) -> Option<Self> {
        match network {
            IpNet::V4(network) => Some(network),
            IpNet::V6(_) => None,
        }
    }
}

impl Network for Ipv6Net {
    fn of(network: IpNet) -> Option<Self> {
        match network {
            IpNet::V4(_) => None,
            IpNet::V6(network) => Some(network),
        }
    }
}

/// The network of the first `len` bits of another one's address.
fn first(network: IpNet, len: usize) -> IpNet {
    IpNet::new(network.addr(), len as u8).map_or(network, |network| network.trunc())
}

/// [`Extends::not_above`] for networks of type `N`.
fn not_above<N: Network>(network: IpNet, len: usize, found: &[u8]) -> Option<usize> {
    let key = |len| N::of(first(network, len)).map(|network| encode::<N>(&network));
    let longest = key(len)?;
    let same = longest
        .iter()
        .zip(found)
        .take_while(|(a, b)| a == b)
        .count();
    let octets = if network.addr().is_ipv4() { 4 } else { 16 };
    // The address lies before the length, and perhaps behind the family.
    let family = longest.len() - octets - 1;
    let bits = match (longest.get(same), found.get(same)) {
        _ if same < family => return None,
        (Some(a), Some(b)) if same < family + octets => {
            8 * (same - family) + (a ^ b).leading_zeros() as usize
        }
        _ => len,
    };
    // What goes beyond the common bits is greater than `found`. The rest differs from it in its length, if in anything.
    (0..=bits.min(len))
        .rev()
        .find(|&len| key(len).is_some_and(|key| *key <= *found))
}

/// What networks can be a prefix of.
macro_rules! extends {
    ($($form:ident by $network:expr => $($type:ident)*;)*) => {$($(
        impl Extends<$type> for $form {
            fn longest(&self) -> Option<usize> {
                let network = $type::of($network(*self))?;
                Some(network.prefix_len().into())
            }

            fn encode_first(&self, len: usize, out: &mut KeyBuf) {
                if let Some(network) = $type::of(first($network(*self), len)) {
                    KeyOf::<$type>::encode(&network, out);
                }
            }

            fn not_above(&self, len: usize, found: &[u8]) -> Option<usize> {
                not_above::<$type>($network(*self), len, found)
            }
        }

        extends_some!([] $form as $type);
    )*)*};
}

extends! {
    Ipv4Addr by |address| IpNet::V4(Ipv4Net::from(address)) => Ipv4Net IpNet;
    Ipv4Net by IpNet::V4 => Ipv4Net IpNet;
    Ipv6Addr by |address| IpNet::V6(Ipv6Net::from(address)) => Ipv6Net IpNet;
    Ipv6Net by IpNet::V6 => Ipv6Net IpNet;
    IpAddr by IpNet::from => Ipv4Net Ipv6Net IpNet;
    IpNet by std::convert::identity => Ipv4Net Ipv6Net IpNet;
}

/// The networks within a network: from itself to the last one of its last address.
macro_rules! within {
    ($($form:ident as $type:ident of $address:ident;)*) => {$(
        impl KeyPrefixOf<$type> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                KeyOf::<$type>::encode(&self.trunc(), low);
                KeyOf::<$address>::encode(&self.broadcast(), high);
            }
        }

        impl KeyPrefixOf<Option<$type>> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                low.push(1);
                high.push(1);
                KeyPrefixOf::<$type>::encode_prefix(self, low, high);
            }
        }
    )*};
}

within! {
    Ipv4Net as Ipv4Net of Ipv4Addr;
    Ipv4Net as IpNet of IpAddr;
    Ipv6Net as Ipv6Net of Ipv6Addr;
    Ipv6Net as IpNet of IpAddr;
    IpNet as IpNet of IpAddr;
}
