//! Limits shared by all clients, with a cap per network, so that no address takes all connections or sockets.
//!
//! A network is an IPv4 address or the /56 of an IPv6 address, see [`network`].

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Rate;
use crate::error::AppResult;
use crate::keyed_semaphore::{KeyedPermit, KeyedSemaphore};
use crate::rate_limit::network;

/// Permits per network.
#[derive(Clone)]
pub struct NetworkLimiter {
    spares_local: bool,
    permits: KeyedSemaphore<IpAddr>,
}

/// The network limit is reached.
#[derive(Debug)]
pub struct NetworkFull;

impl NetworkLimiter {
    /// `most` for each network.
    pub fn new(most: Rate) -> Self {
        Self { spares_local: !most.explicit, permits: KeyedSemaphore::new(most.most as usize) }
    }

    /// Takes a permit; none for exempt clients.
    ///
    /// # Errors
    /// At the network limit.
    pub fn try_acquire(&self, ip: Option<IpAddr>, is_local: bool) -> Result<Option<KeyedPermit<IpAddr>>, NetworkFull> {
        let limited = self.limited_network(ip, is_local);
        limited.map(|network| self.permits.try_acquire(network).ok_or(NetworkFull)).transpose()
    }

    /// Waits for a permit; none for exempt clients.
    ///
    /// # Errors
    /// Internal: never closed.
    pub async fn acquire(&self, ip: Option<IpAddr>, is_local: bool) -> AppResult<Option<KeyedPermit<IpAddr>>> {
        match self.limited_network(ip, is_local) {
            Some(network) => self.permits.acquire(network).await.map(Some),
            None => Ok(None),
        }
    }

    /// The network to count; none for local programs under a default limit, and for unknown addresses.
    fn limited_network(&self, ip: Option<IpAddr>, is_local: bool) -> Option<IpAddr> {
        ip.filter(|_| !(is_local && self.spares_local)).map(network)
    }
}

/// A total limit with a cap per network.
#[derive(Clone)]
pub struct SharedLimit {
    all: Arc<Semaphore>,
    networks: NetworkLimiter,
}

/// A permit; released on drop.
pub struct SharedPermit {
    _permit: OwnedSemaphorePermit,
    _network_permit: Option<KeyedPermit<IpAddr>>,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The total.
    All,
    /// The cap of the network.
    Network,
}

impl SharedLimit {
    /// `all` in total, `most` per network.
    pub fn new(all: usize, most: Rate) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), networks: NetworkLimiter::new(most) }
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn try_acquire(&self, ip: Option<IpAddr>, is_local: bool) -> Result<SharedPermit, LimitReached> {
        let network_permit = self.networks.try_acquire(ip, is_local).map_err(|NetworkFull| LimitReached::Network)?;
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| LimitReached::All)?;
        Ok(SharedPermit { _permit: permit, _network_permit: network_permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_share_and_gives_it_back() {
        let rate = |explicit| Rate { most: 2, explicit };
        let ip = |text: &str| Some(text.parse().unwrap());
        let limit = SharedLimit::new(4, rate(false));
        let mut permits = vec![
            limit.try_acquire(ip("2001:db8::1"), false).unwrap(),
            limit.try_acquire(ip("2001:db8::2"), false).unwrap(),
        ];
        assert_eq!(limit.try_acquire(ip("2001:db8::3"), false).err(), Some(LimitReached::Network));
        permits.push(limit.try_acquire(ip("2001:db8:0:100::1"), false).unwrap());
        permits.push(limit.try_acquire(ip("127.0.0.1"), true).unwrap());
        assert_eq!(limit.try_acquire(ip("127.0.0.1"), true).err(), Some(LimitReached::All));
        permits.clear();
        assert!(limit.networks.permits.is_empty());
        limit.try_acquire(ip("2001:db8::3"), false).unwrap();
        let limiter = NetworkLimiter::new(rate(true));
        let permits = [limiter.try_acquire(ip("127.0.0.1"), true), limiter.try_acquire(ip("127.0.0.1"), true)];
        assert!(limiter.try_acquire(ip("127.0.0.1"), true).is_err());
        drop(permits);
    }
}
