use http::{Method, Request, header};

use buttress_http::grpc::is_grpc;

use crate::ProblemConfig;
use crate::negotiate::Format;
use crate::request_id::RequestId;

/// What the response needs to know of the request, if the call fails.
#[derive(Debug)]
pub(crate) struct RequestFormat {
    pub(crate) form: Form,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) instance: Option<Box<str>>,
}

/// The format that the client accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Grpc,
    Http {
        format: Format,
        /// Whether it is a `HEAD` request.
        head: bool,
    },
}

impl RequestFormat {
    pub(crate) fn by<B>(request: &Request<B>, config: &ProblemConfig) -> Self {
        let headers = request.headers();
        let form = if is_grpc(headers.get(header::CONTENT_TYPE)) {
            Form::Grpc
        } else {
            Form::Http {
                format: Format::preferred(headers.get_all(header::ACCEPT)),
                head: request.method() == Method::HEAD,
            }
        };
        let request_id = config
            .request_id_header
            .as_ref()
            .and_then(|name| headers.get(name))
            .and_then(RequestId::read);
        Self {
            form,
            request_id,
            instance: config.instance.then(|| request.uri().path().into()),
        }
    }
}
