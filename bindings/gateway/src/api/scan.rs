//! `POST /v1/scan`: a recording in, its report out. The recording is held in memory and never written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use veravox::FileReport;
use veravox::decode::{AudioReader, DecodeOptions, Limits, RawEncoding, RawFormat};
use veravox::report::Outcome;

use crate::api::problem::Problem;
use crate::outlets::Outlets;

/// What a report calls a recording that came without a name.
const NAMELESS: &str = "upload";
/// When to come back.
const RETRY_AFTER_SECONDS: u32 = 5;

/// How headerless audio is to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headerless {
    raw: Option<Encoding>,
    rate: Option<u32>,
    channels: Option<usize>,
}

/// The names of the command's `--raw`.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    S16le,
    F32le,
    Alaw,
    Mulaw,
}

/// A recording, and what the client calls it.
struct Recording {
    name: String,
    bytes: Bytes,
}

pub async fn scan(
    State(outlets): State<Arc<Outlets>>,
    headerless: Result<Query<Headerless>, QueryRejection>,
    request: Request,
) -> Result<Json<FileReport>, Problem> {
    let config = &outlets.gateway.config.scan;
    let Query(headerless) = headerless.map_err(|rejection| invalid(rejection.body_text()))?;
    let options = DecodeOptions {
        raw: headerless.format()?,
        limits: Limits { max_duration_seconds: config.max_duration_seconds, ..Limits::default() },
        ..DecodeOptions::default()
    };
    let busy = || Problem::overloaded("as many recordings are here as there is room for", RETRY_AFTER_SECONDS);
    let here = Arc::clone(&outlets.scans.here).try_acquire_owned().map_err(|_| busy())?;
    let upload = tokio::time::timeout(Duration::from_secs_f64(config.upload_seconds), recording(request));
    let too_slow = |_| {
        let words = format!("the recording did not arrive within {} s (scan.upload_seconds)", config.upload_seconds);
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", words)
    };
    let recording = upload.await.map_err(too_slow)??;
    let engine = outlets.gateway.scorer.engine().map_err(|missing| {
        let words = "nothing can be scanned: the log says why the engine did not start";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, missing.fault.as_str(), words).after(RETRY_AFTER_SECONDS)
    })?;
    let closed =
        || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", "the gateway stops").after(RETRY_AFTER_SECONDS);
    let scanned = tokio::select! {
        permit = Arc::clone(&outlets.scans.scanned).acquire_owned() => permit.map_err(|_| closed())?,
        () = outlets.gateway.stopped() => return Err(closed()),
    };
    // A client that goes away drops this future, and with it the flag's owner: the scan then ends within a second of audio.
    let is_wanted = Arc::new(AtomicBool::new(true));
    let _owner = Owner(Arc::clone(&is_wanted));
    let gateway = Arc::clone(&outlets.gateway);
    let report = tokio::task::spawn_blocking(move || {
        let _places = (here, scanned);
        let Recording { name, bytes } = recording;
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_owned());
        let mut reader = AudioReader::from_bytes(bytes.into(), extension.as_deref(), &options)?;
        let report = engine
            .detector()
            .scan_reader(&mut reader, &mut |_| is_wanted.load(Ordering::Relaxed) && !gateway.is_stopping())?;
        Ok::<_, veravox::Error>(FileReport::of(name.as_ref(), Outcome::Scanned(Box::new(report))))
    });
    let panicked = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the scan failed, please report it");
    Ok(Json(report.await.map_err(panicked)??))
}

/// Whoever waits for the report.
struct Owner(Arc<AtomicBool>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The recording in a form's only file, or in the body as it is. The router bounds its size.
async fn recording(request: Request) -> Result<Recording, Problem> {
    match media_type(request.headers()).as_deref() {
        Some("multipart/form-data") => {
            let form = Multipart::from_request(request, &()).await;
            file_of(form.map_err(|rejection| invalid(rejection.body_text()))?).await
        }
        None | Some("application/octet-stream" | "application/ogg") => whole(request).await,
        Some(other) if other.starts_with("audio/") || other.starts_with("video/") => whole(request).await,
        Some(_) => {
            let words = "expected a recording: audio/*, application/octet-stream, or a form (multipart/form-data)";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", words))
        }
    }
}

async fn whole(request: Request) -> Result<Recording, Problem> {
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { invalid(rejection.body_text()) }
    })?;
    Ok(Recording { name: NAMELESS.to_owned(), bytes })
}

async fn file_of(mut form: Multipart) -> Result<Recording, Problem> {
    let broken = |error: MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { invalid(error.body_text()) }
    };
    let mut found = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name() else { continue };
        // A name, and not a place.
        let name = name.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(NAMELESS).to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        if found.replace(Recording { name, bytes }).is_some() {
            return Err(invalid("expected one file in the form, found another"));
        }
    }
    found.ok_or_else(|| invalid("expected a file in the form (a part with a filename), found none"))
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("?");
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn invalid(words: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_argument", words)
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the recording is larger than scan.max_mb allows")
}

impl Headerless {
    fn format(&self) -> Result<Option<RawFormat>, Problem> {
        let Some(encoding) = self.raw else {
            return if self.rate.is_none() && self.channels.is_none() {
                Ok(None)
            } else {
                Err(invalid("rate and channels are of headerless audio, and go with raw"))
            };
        };
        let encoding = match encoding {
            Encoding::S16le => RawEncoding::PcmS16Le,
            Encoding::F32le => RawEncoding::PcmF32Le,
            Encoding::Alaw => RawEncoding::Alaw,
            Encoding::Mulaw => RawEncoding::Mulaw,
        };
        Ok(Some(RawFormat {
            encoding,
            sample_rate_hz: self.rate.unwrap_or(8_000),
            channels: self.channels.unwrap_or(1),
        }))
    }
}
