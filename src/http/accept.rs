//! Content negotiation by the `Accept` header.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Media types of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// `application/json`: 200 for every well-formed request.
    Json,
    /// `application/graphql-response+json`: request errors have a 4xx status.
    GraphqlResponse,
    /// `text/event-stream`: graphql-sse.
    EventStream,
    /// `text/html`: GraphiQL.
    Html,
}

impl ResponseType {
    /// The media type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::EventStream => "text/event-stream",
            Self::Html => "text/html",
        }
    }

    /// Specificity of a matching media range: exact (2), `type/*` (1), `*/*` (0).
    fn matched_by(self, range: &str) -> Option<u8> {
        match range {
            "*/*" => Some(0),
            "application/*" if matches!(self, Self::Json | Self::GraphqlResponse) => Some(1),
            "text/*" if matches!(self, Self::EventStream | Self::Html) => Some(1),
            _ => (self.name() == range).then_some(2),
        }
    }
}

/// A media range of the header, with its `q` and position.
struct MediaRange {
    name: String,
    weight: f32,
    position: usize,
}

/// Accepted media types in order of preference.
#[derive(Clone, Debug, PartialEq)]
pub struct Accept(Vec<ResponseType>);

impl Accept {
    /// Parses the header; absent or empty means `application/json`.
    pub fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let text = values.join(",").to_ascii_lowercase();
        if text.trim().is_empty() {
            return Self(vec![ResponseType::Json]);
        }
        let ranges: Vec<MediaRange> =
            text.split(',').enumerate().filter_map(|(position, text)| range(position, text)).collect();
        // JSON first, as the default for `*/*`.
        let known = [ResponseType::Json, ResponseType::GraphqlResponse, ResponseType::EventStream, ResponseType::Html];
        let mut accepted: Vec<(ResponseType, &MediaRange)> = Vec::new();
        for media in known {
            // The most specific range decides, also with q=0.
            let closest = ranges.iter().filter_map(|range| Some((media.matched_by(&range.name)?, range)));
            let closest = closest.max_by_key(|(closeness, _)| *closeness);
            // Wildcards do not select event streams and HTML.
            let is_json = matches!(media, ResponseType::Json | ResponseType::GraphqlResponse);
            if let Some((closeness, range)) = closest
                && range.weight > 0.0
                && (is_json || closeness == 2)
            {
                accepted.push((media, range));
            }
        }
        // Ties go to the first one listed.
        accepted.sort_by(|(_, a), (_, b)| b.weight.total_cmp(&a.weight).then(a.position.cmp(&b.position)));
        Self(accepted.into_iter().map(|(media, _)| media).collect())
    }

    /// The preferred type among the offers.
    pub fn best(&self, offers: &[ResponseType]) -> Option<ResponseType> {
        self.0.iter().copied().find(|media| offers.contains(media))
    }

    /// The preferred type of a single response; JSON if none is acceptable, for the error.
    pub fn for_answer(&self) -> ResponseType {
        self.best(&[ResponseType::Json, ResponseType::GraphqlResponse]).unwrap_or(ResponseType::Json)
    }
}

/// Parses a media range; none for a charset other than UTF-8.
fn range(position: usize, text: &str) -> Option<MediaRange> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_owned();
    let mut weight = 1.0;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim() {
            "q" => weight = value.trim().parse().unwrap_or(0.0),
            "charset" if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => return None,
            _ => {}
        }
    }
    Some(MediaRange { name, weight, position })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_both_can_is_chosen() {
        let answers =
            [ResponseType::Json, ResponseType::GraphqlResponse, ResponseType::EventStream, ResponseType::Html];
        for (accept, expected) in [
            ("", Some(ResponseType::Json)),
            ("*/*", Some(ResponseType::Json)),
            ("application/*;q=0.5, text/plain", Some(ResponseType::Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(ResponseType::GraphqlResponse)),
            ("application/json;q=0.1, application/graphql-response+json;q=0.2", Some(ResponseType::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(ResponseType::Json)),
            ("Application/JSON; charset=UTF-8", Some(ResponseType::Json)),
            ("application/json; charset=\"utf-8\"", Some(ResponseType::Json)),
            ("application/json; charset=iso-8859-1", None),
            ("text/event-stream", Some(ResponseType::EventStream)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(ResponseType::Html)),
            ("application/json;q=0, */*", Some(ResponseType::GraphqlResponse)),
            ("application/json, */*;q=0", Some(ResponseType::Json)),
            ("application/json;q=0, application/graphql-response+json;q=0, */*", None),
            ("text/*", None),
            ("image/png", None),
            ("application/json;q=x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(Accept::of(&headers).best(&answers), expected, "{accept}");
        }
    }
}
