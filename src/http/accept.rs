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

    /// How closely a media range names it: by its name, by its kind, or by nothing but a star.
    fn matched_by(self, range: &str) -> Option<u8> {
        match range {
            "*/*" => Some(0),
            "application/*" if matches!(self, Self::Json | Self::GraphqlResponse) => Some(1),
            "text/*" if matches!(self, Self::EventStream | Self::Html) => Some(1),
            _ => (self.name() == range).then_some(2),
        }
    }
}

/// One media range of the header: its name, weight, and place.
struct Range {
    name: String,
    weight: f32,
    place: usize,
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
        let ranges: Vec<Range> = text.split(',').enumerate().filter_map(|(place, text)| range(place, text)).collect();
        // JSON first: where a star is all that is said, it is the plainest.
        let known = [Media::Json, Media::GraphqlResponse, Media::EventStream, Media::Html];
        let mut wanted: Vec<(Media, &Range)> = Vec::new();
        for media in known {
            // The closest range decides, be it to refuse.
            let closest = ranges.iter().filter_map(|range| Some((media.matched_by(&range.name)?, range)));
            let closest = closest.max_by_key(|(closeness, _)| *closeness);
            // A star gives nobody a stream or a page.
            let plain = matches!(media, Media::Json | Media::GraphqlResponse);
            if let Some((closeness, range)) = closest
                && range.weight > 0.0
                && (plain || closeness == 2)
            {
                wanted.push((media, range));
            }
        }
        // Stable: of equals, the first that the client named.
        wanted.sort_by(|(_, a), (_, b)| b.weight.total_cmp(&a.weight).then(a.place.cmp(&b.place)));
        Self(wanted.into_iter().map(|(media, _)| media).collect())
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

/// One media range; none for a charset that is not ours.
fn range(place: usize, text: &str) -> Option<Range> {
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
    Some(Range { name, weight, place })
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
            ("application/json;q=0, */*", Some(Media::GraphqlResponse)),
            ("application/json, */*;q=0", Some(Media::Json)),
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
