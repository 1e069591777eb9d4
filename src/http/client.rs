//! The client's address, and the request rate limit per address.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Config;
use crate::rate_limit::network;
use crate::telemetry::TraceId;

/// Burst size as a multiple of the rate per second.
const BURST_FACTOR: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// Requests between removals of idle addresses.
const RETAIN_INTERVAL: u32 = 10_000;

/// Headers that show a proxy.
const FORWARDING_HEADERS: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// The header of RFC 7239, with its own syntax.
const FORWARDED_HEADER: &str = "forwarded";

/// What the connection tells about the client.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// The client's address, if known.
    pub ip: Option<IpAddr>,
    /// A local program other than a proxy: exempt from limits left at their defaults.
    pub is_local: bool,
    /// Trace id of the request.
    pub trace: TraceId,
}

impl ClientInfo {
    /// Of a request.
    pub fn of(config: &Config, request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let headers = request.headers();
        let trace = TraceId::generate();
        if let Some(name) = &config.trusted_proxy_header {
            return Self { ip: forwarded(headers, name).or(peer), is_local: false, trace };
        }
        let through_proxy = FORWARDING_HEADERS.iter().any(|name| headers.contains_key(*name));
        let is_local = config.spares_local && peer.is_some_and(|ip| ip.is_loopback()) && !through_proxy;
        Self { ip: peer, is_local, trace }
    }
}

/// The address added by the trusted proxy: the last one of the last header. Earlier ones may be forged.
fn forwarded(headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
    let text = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = text.rsplit(',').next()?.trim();
    let last = if *name == FORWARDED_HEADER { forwarded_for(last)? } else { last };
    let ip = last.parse::<IpAddr>().ok().or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()));
    ip.or_else(|| last.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(|ip| ip.to_canonical())
}

/// The `for` of a `Forwarded` element (RFC 7239), such as `for="[2001:db8::1]:4711";proto=https`. A quoted comma is never
/// part of an address, so an element split there is invalid.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// Rate limiter keyed by network.
pub struct IpLimiter {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    explicit: bool,
    requests: AtomicU32,
}

impl IpLimiter {
    /// With the configured rate.
    pub fn new(config: &Config) -> Self {
        let rate = config.rates.requests;
        let per_second = NonZeroU32::new(rate.most).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST_FACTOR));
        Self { limiter: RateLimiter::keyed(quota), explicit: rate.explicit, requests: AtomicU32::new(0) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// Seconds until the next one is allowed.
    pub fn count(&self, client: &ClientInfo) -> Result<(), u64> {
        let Some(ip) = client.ip else { return Ok(()) };
        if client.is_local && !self.explicit {
            return Ok(());
        }
        if self.requests.fetch_add(1, Ordering::Relaxed) % RETAIN_INTERVAL == RETAIN_INTERVAL - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter
            .check_key(&network(ip))
            .map_err(|rejected| rejected.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_has_the_last_word() {
        let name = HeaderName::from_static("x-forwarded-for");
        for (text, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("6.6.6.6, 1.2.3.4", Some("1.2.3.4")),
            ("1.2.3.4:5678", Some("1.2.3.4")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("1.2.3.4, unknown", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(name.clone(), text.parse().unwrap())]);
            assert_eq!(forwarded(&headers, &name), expected.map(|ip| ip.parse().unwrap()), "{text}");
        }
        let name = HeaderName::from_static("forwarded");
        for (text, expected) in [
            ("for=1.2.3.4", Some("1.2.3.4")),
            ("For=1.2.3.4:5678;proto=https;by=10.0.0.1", Some("1.2.3.4")),
            ("for=6.6.6.6, proto=https; for=\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
            ("for=\"[2001:db8::1]\"", Some("2001:db8::1")),
            ("for=1.2.3.4, for=unknown", None),
            ("for=_hidden", None),
            ("1.2.3.4", None),
            ("proto=https", None),
        ] {
            let headers = HeaderMap::from_iter([(name.clone(), text.parse().unwrap())]);
            assert_eq!(forwarded(&headers, &name), expected.map(|ip| ip.parse().unwrap()), "{text}");
        }
    }
}
