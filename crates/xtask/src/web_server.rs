//! Serves the built page and its settings while developing. In production any web server does.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use tower_http::services::{ServeDir, ServeFile};

/// What is served where.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long)]
    listen: SocketAddr,

    /// The built page.
    #[arg(long)]
    folder: PathBuf,

    /// Served as `/config.json`; read at every request.
    #[arg(long)]
    config: PathBuf,
}

/// Serves until the process is ended.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let index = ServeFile::new(options.folder.join("index.html"));
    let router = Router::new()
        .route_service("/config.json", ServeFile::new(options.config))
        // The page has addresses of its own, below which nothing lies on the disk.
        .fallback_service(ServeDir::new(options.folder).fallback(index))
        .layer(map_response(uncached));
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .with_context(|| options.listen.to_string())?;
    eprintln!("Serving the page at http://{}", options.listen);
    axum::serve(listener, router)
        .await
        .context("the page cannot be served")
}

/// While developing, what was built last is what is seen.
async fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
