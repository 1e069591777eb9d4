//! Who comes in: the client's address, and how often an address may ask.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::accept::Accept;
use super::reply::Reply;
use crate::config::Config;
use crate::http::endpoint::Endpoint;
use crate::rates::network;
use crate::telemetry::TraceId;

/// Requests in a burst, for each of a second: five.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// After so many requests, addresses that asked long ago are forgotten.
const FORGET_EVERY: u32 = 10_000;

/// Headers by which a proxy betrays itself.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// The header that RFC 7239 defines, which has a form of its own.
const FORWARDED_STANDARD: &str = "forwarded";

/// Who sends a request, as far as the connection tells.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client's address, where the server knows it.
    pub ip: Option<IpAddr>,
    /// A program on this machine, and no proxy: spared by the limits that were left at their defaults.
    pub is_local: bool,
    /// Names the request in the log.
    pub trace: TraceId,
}

impl Caller {
    /// The caller of a request.
    pub fn of(config: &Config, request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let headers = request.headers();
        let trace = TraceId::generate();
        if let Some(name) = &config.trusted_proxy_header {
            return Self { ip: forwarded(headers, name).or(peer), is_local: false, trace };
        }
        let through_proxy = FORWARDED.iter().any(|name| headers.contains_key(*name));
        let is_local = config.spares_local && peer.is_some_and(|ip| ip.is_loopback()) && !through_proxy;
        Self { ip: peer, is_local, trace }
    }
}

/// The address that the proxy itself wrote: the last of the last header. What stands before it, the client may have.
fn forwarded(headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
    let text = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = text.rsplit(',').next()?.trim();
    let last = if *name == FORWARDED_STANDARD { forwarded_for(last)? } else { last };
    let ip = last.parse::<IpAddr>().ok().or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()));
    ip.or_else(|| last.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(|ip| ip.to_canonical())
}

/// The `for` of an element of the header `Forwarded` (RFC 7239), such as `for="[2001:db8::1]:4711";proto=https`. Commas in
/// quotes are in no address, so an element cut there is none.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// How often each address asked lately.
pub struct Addresses {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    explicit: bool,
    asked: AtomicU32,
}

impl Addresses {
    /// Nobody has asked yet.
    pub fn new(config: &Config) -> Self {
        let rate = config.rates.requests;
        let per_second = NonZeroU32::new(rate.most).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST));
        Self { limiter: RateLimiter::keyed(quota), explicit: rate.explicit, asked: AtomicU32::new(0) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// After how many seconds the caller may ask again.
    pub fn count(&self, caller: &Caller) -> Result<(), u64> {
        let Some(ip) = caller.ip else { return Ok(()) };
        if caller.is_local && !self.explicit {
            return Ok(());
        }
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter
            .check_key(&network(ip))
            .map_err(|refused| refused.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

/// Lets a request in, unless too many come from its address.
pub async fn guard(
    State(endpoint): State<Endpoint>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(seconds) = endpoint.addresses.count(&caller) {
        let accept = Accept::of(request.headers());
        return Reply::to(&accept, &endpoint.app.metrics, &caller.trace).refuse_for(seconds);
    }
    next.run(request).await
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
