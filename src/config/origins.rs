//! The origins of other sites, written as browsers send them.

use axum::http::HeaderValue;

use super::reader::Reader;

impl Reader {
    /// Origins separated by commas.
    pub fn origins(&mut self, name: &str) -> Vec<HeaderValue> {
        let text = self.text(name).unwrap_or_default();
        let mut origins = Vec::new();
        for given in text.split(',').map(str::trim).filter(|given| !given.is_empty()) {
            match origin(given).map(|origin| HeaderValue::from_str(&origin)) {
                Ok(Ok(origin)) => origins.push(origin),
                Ok(Err(_)) => self.errors.push(format!("{name} has {given:?}, {FORM}")),
                Err(problem) => self.errors.push(format!("{name} has {given:?}, {problem}")),
            }
        }
        origins
    }
}

const FORM: &str = "which is no origin such as https://example.com or capacitor://localhost";

/// An origin as browsers send it: lower case, other letters in Punycode, no port where it is the scheme's own.
fn origin(given: &str) -> Result<String, &'static str> {
    if given.contains('*') {
        return Err("but patterns match nothing: name each origin");
    }
    let (scheme, rest) = given.split_once("://").ok_or(FORM)?;
    if rest.is_empty() || rest.contains(['/', '?', '#', '@', '\\']) {
        return Err(FORM);
    }
    let url = given.parse::<reqwest::Url>().map_err(|_| FORM)?;
    match url.scheme() {
        "http" | "https" => Ok(url.origin().ascii_serialization()),
        // Pages of no host send null.
        "file" | "data" | "blob" | "about" | "javascript" | "ftp" | "ws" | "wss" => {
            Err("which no page has as its origin")
        }
        _ if scheme.is_ascii() && rest.is_ascii() && url.host_str().is_some() => Ok(given.to_ascii_lowercase()),
        _ => Err(FORM),
    }
}

/// Whether a URL leads to this machine and no further.
#[must_use]
pub fn is_of_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<reqwest::Url>() else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for (given, sent) in [
            ("https://example.com", "https://example.com"),
            ("HTTPS://Example.COM", "https://example.com"),
            ("https://localhost:443", "https://localhost"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("ionic://localhost", "ionic://localhost"),
            ("chrome-extension://abcdefghij", "chrome-extension://abcdefghij"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(sent), "{given}");
        }
        for given in [
            "https://*.example.com",
            "*",
            "null",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/shop",
            "https://example.com?a",
            "https://ada@example.com",
            "https://example.com:x",
            "file://localhost",
            "wss://example.com",
            "capacitor://",
        ] {
            assert!(origin(given).is_err(), "{given}");
        }
    }
}
