//! Lets the storm blow. See the library.

use std::process::ExitCode;

use buttress::prelude::BoxError;

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    storm::run().await
}
