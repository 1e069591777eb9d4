//! How much of what is bounded one network may hold, so that no single address takes all connections, sockets or streams.
//!
//! A network is what [`network`] calls so: an IPv4 address, or the /56 of an IPv6 address.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Rate;
use crate::error::AppResult;
use crate::keyed_semaphore::{KeyedPermit, KeyedSemaphore};
use crate::rates::network;

/// What each network holds.
#[derive(Clone)]
pub struct Networks {
    spares_local: bool,
    held: KeyedSemaphore<IpAddr>,
}

/// What a network may not have more of.
#[derive(Debug)]
pub struct NetworkFull;

impl Networks {
    /// So many for each network.
    pub fn new(most: Rate) -> Self {
        Self { spares_local: !most.explicit, held: KeyedSemaphore::new(most.most as usize) }
    }

    /// Takes one for a network; none for what is not counted.
    ///
    /// # Errors
    /// When the network has all that it may have.
    pub fn take(&self, ip: Option<IpAddr>, is_local: bool) -> Result<Option<KeyedPermit<IpAddr>>, NetworkFull> {
        let counted = self.counted(ip, is_local);
        counted.map(|network| self.held.try_acquire(network).ok_or(NetworkFull)).transpose()
    }

    /// Waits for one for a network; none for what is not counted.
    ///
    /// # Errors
    /// Internal.
    pub async fn wait(&self, ip: Option<IpAddr>, is_local: bool) -> AppResult<Option<KeyedPermit<IpAddr>>> {
        match self.counted(ip, is_local) {
            Some(network) => self.held.acquire(network).await.map(Some),
            None => Ok(None),
        }
    }

    /// The network of an address. Nothing is counted for programs on this machine where the setting was left alone, and for
    /// unknown addresses.
    fn counted(&self, ip: Option<IpAddr>, is_local: bool) -> Option<IpAddr> {
        ip.filter(|_| !(is_local && self.spares_local)).map(network)
    }
}

/// So many in all, and of them so many for each network.
#[derive(Clone)]
pub struct Shares {
    all: Arc<Semaphore>,
    networks: Networks,
}

/// One of the shared, until it is dropped.
pub struct Share {
    _of_all: OwnedSemaphorePermit,
    _of_network: Option<KeyedPermit<IpAddr>>,
}

/// Why there is none to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The network has its share.
    Network,
}

impl Shares {
    /// So many in all, and so many for each network.
    pub fn new(all: usize, most: Rate) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), networks: Networks::new(most) }
    }

    /// Takes one.
    ///
    /// # Errors
    /// Why there is none to be had.
    pub fn take(&self, ip: Option<IpAddr>, is_local: bool) -> Result<Share, Full> {
        let of_network = self.networks.take(ip, is_local).map_err(|NetworkFull| Full::Network)?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::All)?;
        Ok(Share { _of_all: of_all, _of_network: of_network })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_share_and_gives_it_back() {
        let rate = |explicit| Rate { most: 2, explicit };
        let ip = |text: &str| Some(text.parse().unwrap());
        let shares = Shares::new(4, rate(false));
        let mut held =
            vec![shares.take(ip("2001:db8::1"), false).unwrap(), shares.take(ip("2001:db8::2"), false).unwrap()];
        assert_eq!(shares.take(ip("2001:db8::3"), false).err(), Some(Full::Network));
        held.push(shares.take(ip("2001:db8:0:100::1"), false).unwrap());
        held.push(shares.take(ip("127.0.0.1"), true).unwrap());
        assert_eq!(shares.take(ip("127.0.0.1"), true).err(), Some(Full::All));
        held.clear();
        assert!(shares.networks.held.is_empty());
        shares.take(ip("2001:db8::3"), false).unwrap();
        let counted = Networks::new(rate(true));
        let held = [counted.take(ip("127.0.0.1"), true), counted.take(ip("127.0.0.1"), true)];
        assert!(counted.take(ip("127.0.0.1"), true).is_err());
        drop(held);
    }
}
