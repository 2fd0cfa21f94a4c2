//! The one thing of a `Cache-Control` header that matters here.

use std::time::Duration;

/// How long an answer with this header is fresh; zero when it does not say.
pub(super) fn max_age(cache_control: &str) -> Duration {
    let seconds = cache_control
        .split(',')
        .filter_map(|directive| directive.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, value)| value.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_max_age_counts() {
        let hundred = [
            "max-age=100",
            "public, max-age=100",
            "public,max-age=100",
            "public, max-age=100, must-revalidate, no-transform",
            "Max-Age=100",
        ];
        for header in hundred {
            assert_eq!(max_age(header), Duration::from_secs(100), "{header:?}");
        }
        let none = [
            "",
            "max-age 100",
            "max-age: 100",
            "max-age2=100",
            "max-age=foo",
            "max-age=-1",
            "private,",
            "=",
        ];
        for header in none {
            assert_eq!(max_age(header), Duration::ZERO, "{header:?}");
        }
    }
}
