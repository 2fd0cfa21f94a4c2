//! From a base URL to the address of the Realtime socket.

use url::Url;

use super::error::ConnectError;

/// The address that a client with this base URL connects to.
///
/// `http` becomes `ws`; a path that is empty, `/v1`, `/openai` or `/openai/v1` gets `/realtime`,
/// any other is used as it is; `model` is added to the query unless the address names one.
///
/// # Errors
/// The address cannot be parsed, or is neither HTTP nor WebSocket.
pub fn realtime_url(base_url: &str, model: Option<&str>) -> Result<Url, ConnectError> {
    let mut url = Url::parse(base_url)
        .map_err(|error| ConnectError::Address(format!("`{base_url}` is not a URL: {error}")))?;
    let scheme = match url.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        other => {
            return Err(ConnectError::Address(format!(
                "`{base_url}` has scheme `{other}`; http, https, ws or wss is needed"
            )));
        }
    };
    if url.set_scheme(scheme).is_err() || !url.has_host() {
        return Err(ConnectError::Address(format!("`{base_url}` names no host")));
    }
    let path = url.path().trim_end_matches('/');
    if matches!(path, "" | "/v1" | "/openai" | "/openai/v1") {
        let path = format!("{path}/realtime");
        url.set_path(&path);
    }
    if let Some(model) = model
        && !url.query_pairs().any(|(name, _)| name == "model")
    {
        url.query_pairs_mut().append_pair("model", model);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_base_paths_get_realtime_and_others_stay() {
        for (base, model, expected) in [
            ("http://127.0.0.1:1", None, "ws://127.0.0.1:1/realtime"),
            ("http://h/v1", Some("m"), "ws://h/v1/realtime?model=m"),
            (
                "https://api.openai.com/v1/",
                Some("m"),
                "wss://api.openai.com/v1/realtime?model=m",
            ),
            ("https://h/openai", None, "wss://h/openai/realtime"),
            (
                "https://h/openai/v1",
                Some("a b"),
                "wss://h/openai/v1/realtime?model=a+b",
            ),
            (
                "ws://h/v1/realtime?model=x",
                Some("m"),
                "ws://h/v1/realtime?model=x",
            ),
            ("wss://h/mine?a=1", Some("m"), "wss://h/mine?a=1&model=m"),
        ] {
            assert_eq!(realtime_url(base, model).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_cannot_work_says_what_would() {
        for (base, part) in [
            ("not a url", "not a URL"),
            ("ftp://h/v1", "http, https, ws or wss"),
        ] {
            let error = realtime_url(base, None).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.is_retryable());
        }
    }
}
