//! Content negotiation: what the client wants its answer to be.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// What an answer can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: 200 for every well-formed request.
    Json,
    /// `application/graphql-response+json`: the status says what was wrong with the request.
    GraphqlResponse,
    /// `text/event-stream`: graphql-sse.
    EventStream,
    /// `text/html`: GraphiQL.
    Html,
}

impl Media {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::EventStream => "text/event-stream",
            Self::Html => "text/html",
        }
    }

    /// What a media range stands for, if for anything.
    fn of_range(range: &str) -> Option<Self> {
        let known = [Self::Json, Self::GraphqlResponse, Self::EventStream, Self::Html];
        match range {
            "*/*" | "application/*" => Some(Self::Json),
            _ => known.into_iter().find(|media| media.name() == range),
        }
    }
}

/// What a client accepts, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Accept(Vec<Media>);

impl Accept {
    /// Reads the header; none at all, or an empty one, is `application/json`.
    pub fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let text = values.join(",").to_ascii_lowercase();
        if text.trim().is_empty() {
            return Self(vec![Media::Json]);
        }
        let mut ranges: Vec<(Media, f32)> = text.split(',').filter_map(range).collect();
        // Stable: of equals, the first that the client named.
        ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
        let refused: Vec<Media> = ranges.iter().filter(|range| range.1 <= 0.0).map(|range| range.0).collect();
        let wanted = ranges.into_iter().filter(|range| range.1 > 0.0).map(|range| range.0);
        Self(wanted.filter(|media| !refused.contains(media)).collect())
    }

    /// The best of what is on offer.
    pub fn best(&self, offers: &[Media]) -> Option<Media> {
        self.0.iter().copied().find(|media| offers.contains(media))
    }

    /// The best for something that ends with one answer; JSON when nothing can be given, for the refusal.
    pub fn for_answer(&self) -> Media {
        self.best(&[Media::Json, Media::GraphqlResponse]).unwrap_or(Media::Json)
    }
}

/// One media range and its weight.
fn range(text: &str) -> Option<(Media, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let media = Media::of_range(parts.next()?)?;
    let mut weight = 1.0;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim() {
            "q" => weight = value.trim().parse().unwrap_or(0.0),
            "charset" if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => return None,
            _ => {}
        }
    }
    Some((media, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_both_can_is_chosen() {
        let answers = [Media::Json, Media::GraphqlResponse, Media::EventStream, Media::Html];
        for (accept, expected) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*;q=0.5, text/plain", Some(Media::Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphqlResponse)),
            ("application/json;q=0.1, application/graphql-response+json;q=0.2", Some(Media::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            ("Application/JSON; charset=UTF-8", Some(Media::Json)),
            ("application/json; charset=\"utf-8\"", Some(Media::Json)),
            ("application/json; charset=iso-8859-1", None),
            ("text/event-stream", Some(Media::EventStream)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Media::Html)),
            ("application/json;q=0, */*", None),
            ("image/png", None),
            ("application/json;q=x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(Accept::of(&headers).best(&answers), expected, "{accept}");
        }
    }
}
