use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};

use crate::Problem;

#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Response::<Body>::from(self)
    }
}
