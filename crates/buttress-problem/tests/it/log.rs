//! What is logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::common::{answer, refusal, request};
use buttress_core::BoxError;
use buttress_problem::{Problem, ProblemConfig};
use http::StatusCode;
use tracing::level_filters::LevelFilter;

/// A log that can be read while it is written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn logged(error: impl Fn() -> BoxError) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    answer(
        ProblemConfig::default(),
        request(&[("x-request-id", "01JD")]),
        error,
    )
    .await;
    drop(guard);
    let bytes = log.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("the log is text")
}

#[tokio::test]
async fn an_error_is_logged_with_its_own_text_and_the_request() {
    let line = logged(|| "the disk of shard 3 is full".into()).await;
    assert!(line.contains("ERROR"), "{line}");
    assert!(line.contains("the disk of shard 3 is full"), "{line}");
    assert!(line.contains("01JD"), "{line}");
    assert!(line.contains("500"), "{line}");
}

#[tokio::test]
async fn the_internal_text_of_a_problem_is_logged() {
    let error = || {
        Problem::new(StatusCode::BAD_GATEWAY)
            .with_internal("shard 3 is away")
            .into()
    };
    let line = logged(error).await;
    assert!(line.contains("shard 3 is away"), "{line}");
    assert!(line.contains("502"), "{line}");
}

#[tokio::test]
async fn a_rejection_is_logged_with_the_name_of_its_layer() {
    let line = logged(refusal).await;
    assert!(line.contains("DEBUG"), "{line}");
    assert!(line.contains("payments"), "{line}");
    assert!(line.contains("circuit_open"), "{line}");
}
