//! `knowledge-svc import`: the files of a folder into a collection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use proto::insta::knowledge::v1::{import_documents_request::Part, *};
use service_kit::client;
use tokio::time::sleep;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    Service,
    files::{self, Found},
    report::Report,
    said,
};
use crate::cli::Import;

/// How often an import that broke off is tried again, and how long at most between two attempts.
const ATTEMPTS: u32 = 12;
const MAX_PAUSE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);
/// Vectors that do not grow in number for so long are not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of each file, by path.
type Results = BTreeMap<String, ImportDocumentsResponse>;
/// Why files could not be sent as they are, by path.
type Failures = Arc<Mutex<BTreeMap<String, String>>>;

/// Imports a folder and tells what became of each file.
///
/// # Errors
/// When the folder holds nothing to import, the service refuses the import, or it stays away.
pub async fn import(options: &Import) -> anyhow::Result<Report> {
    let found = files::find(&options.folder)?;
    anyhow::ensure!(
        !found.is_empty(),
        "{} holds no file that can be imported",
        options.folder.display()
    );
    let service = Service::new(&options.connection)?;
    let bar = bar(found.len(), "documents");
    let results = send_all(&service, options, &found, &bar).await;
    bar.finish_and_clear();
    let report = Report::new(results?.into_values());
    if !options.no_wait && report.wrote() {
        wait_for_vectors(&service, &options.collection).await?;
    }
    Ok(report)
}

/// Sends the files, again and again while the service is away: the request id makes that safe.
async fn send_all(
    service: &Service,
    options: &Import,
    found: &[Found],
    bar: &ProgressBar,
) -> anyhow::Result<Results> {
    let start = ImportStart {
        collection: options.collection.clone(),
        request_id: Uuid::new_v4().to_string(),
        remove_missing: !options.keep_missing,
    };
    let mut results = Results::new();
    let mut attempt = 1;
    loop {
        bar.set_position(0);
        let Err(status) = send(service, &start, found, &mut results, bar).await? else {
            return Ok(results);
        };
        let is_away = matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal
        );
        if !is_away || attempt == ATTEMPTS {
            let what = match results.is_empty() {
                true => "nothing was imported",
                false => "the import broke off",
            };
            return Err(said(&status).context(what));
        }
        bar.suspend(|| eprintln!("The import broke off ({}); it goes on.", status.message()));
        sleep(Duration::from_secs(1 << attempt.min(5)).min(MAX_PAUSE)).await;
        attempt += 1;
    }
}

/// One attempt. The inner result is what the service said.
async fn send(
    service: &Service,
    start: &ImportStart,
    found: &[Found],
    results: &mut Results,
    bar: &ProgressBar,
) -> anyhow::Result<Result<(), Status>> {
    let failures = Failures::default();
    let messages = messages(start.clone(), found.to_vec(), failures.clone());
    let token = match service.token().await {
        Ok(token) => token,
        Err(error) => match error.downcast::<Status>() {
            Ok(status) => return Ok(Err(status)),
            Err(error) => return Err(error),
        },
    };
    let request = client::stream_request(messages, &token);
    let mut answers = match service.client.clone().import_documents(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Ok(Err(status)),
    };
    loop {
        match answers.message().await {
            Ok(Some(mut result)) => {
                let failure = failures
                    .lock()
                    .expect("no panic happens while it is held")
                    .remove(&result.path);
                if let Some(failure) = failure {
                    result.failure = failure;
                }
                if result.outcome() != ImportOutcome::Removed {
                    bar.inc(1);
                }
                results.insert(result.path.clone(), result);
            }
            Ok(None) => return Ok(Ok(())),
            Err(status) => return Ok(Err(status)),
        }
    }
}

/// The messages of an import; each file is read when its turn has come.
fn messages(
    start: ImportStart,
    found: Vec<Found>,
    failures: Failures,
) -> impl Stream<Item = ImportDocumentsRequest> + Send + 'static {
    let files = stream::iter(found).then(move |found| {
        let failures = failures.clone();
        async move {
            let Found { path, place } = found;
            let content = tokio::task::spawn_blocking(move || files::read(&place)).await;
            let content = content.unwrap_or_else(|_| files::Content {
                bytes: Vec::new(),
                failure: Some("The file cannot be read.".to_owned()),
            });
            if let Some(failure) = content.failure {
                let mut failures = failures.lock().expect("no panic happens while it is held");
                failures.insert(path.clone(), failure);
            }
            Part::File(ImportFile {
                path,
                content: content.bytes,
                ..ImportFile::default()
            })
        }
    });
    let parts = stream::iter([Part::Start(start)]).chain(files);
    parts.map(|part| ImportDocumentsRequest { part: Some(part) })
}

/// Waits until what was written is found by meaning too, or until that does not come any nearer.
async fn wait_for_vectors(service: &Service, collection: &str) -> anyhow::Result<()> {
    let mut bar = None;
    let mut fewest = i64::MAX;
    let mut idle = Duration::ZERO;
    let pending = loop {
        let request = service.request(ListCollectionsRequest {}).await?;
        let listed = match service.client.clone().list_collections(request).await {
            Ok(answer) => answer.into_inner().collections,
            // A client that may only write does not see how far the vectors are.
            Err(status) if status.code() == Code::PermissionDenied => break 0,
            Err(_) => Vec::new(),
        };
        let listed = listed
            .into_iter()
            .find(|listed| listed.collection == collection);
        if let Some(Collection {
            pending_passages: pending,
            ..
        }) = listed
        {
            if pending == 0 {
                break 0;
            }
            let total = u64::try_from(pending).unwrap_or_default();
            let bar = bar.get_or_insert_with(|| {
                self::bar(usize::try_from(total).unwrap_or_default(), "vectors")
            });
            bar.set_position(bar.length().unwrap_or_default().saturating_sub(total));
            if pending < fewest {
                (fewest, idle) = (pending, Duration::ZERO);
            }
        }
        if idle >= PATIENCE {
            break fewest;
        }
        idle += POLL;
        sleep(POLL).await;
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if pending > 0 {
        eprintln!(
            "Some passages ({pending}) have no vector yet; until they have, they are found by text alone."
        );
    }
    Ok(())
}

fn bar(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}")
        .expect("the template is well formed");
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr())
        .with_style(style)
        .with_message(what)
}
