//! Owns our own collector: it takes what is sent over OTLP, and keeps it. Does not know what should have come.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A collector, listening until the test ends.
#[derive(Clone, Default)]
pub struct Collector(Arc<Mutex<Taken>>);

/// What it has taken.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub traces: Vec<ExportTraceServiceRequest>,
    pub metrics: Vec<ExportMetricsServiceRequest>,
    /// What came beside it in the header `authorization`.
    pub authorization: Vec<String>,
}

impl Collector {
    /// Starts it, and answers its address.
    pub async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self::default();
        let services = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(services.serve_with_incoming(TcpIncoming::from(listener)));
        (collector, address)
    }

    pub fn taken(&self) -> Taken {
        self.0.lock().unwrap().clone()
    }

    fn note<T>(&self, request: &Request<T>) {
        let header = request.metadata().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        self.0.lock().unwrap().authorization.extend(header);
    }
}

impl Taken {
    /// Every span.
    pub fn spans(&self) -> Vec<&Span> {
        let resources = self.traces.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect()
    }

    /// The names of all metrics.
    pub fn metrics(&self) -> Vec<&str> {
        let resources = self.metrics.iter().flat_map(|request| &request.resource_metrics);
        let metrics = resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        metrics.map(|metric| metric.name.as_str()).collect()
    }

    /// What both say of the process.
    pub fn resources(&self) -> Vec<(String, String)> {
        let traces = self.traces.iter().flat_map(|request| &request.resource_spans).map(|one| &one.resource);
        let metrics = self.metrics.iter().flat_map(|request| &request.resource_metrics).map(|one| &one.resource);
        let all = traces.chain(metrics).flatten().flat_map(|resource| &resource.attributes);
        all.map(|pair| (pair.key.clone(), text(pair.value.as_ref().and_then(|value| value.value.as_ref())))).collect()
    }
}

/// An attribute of a span, as text.
pub fn attribute(span: &Span, name: &str) -> Option<String> {
    let pair = span.attributes.iter().find(|pair| pair.key == name)?;
    Some(text(pair.value.as_ref().and_then(|value| value.value.as_ref())))
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.note(&request);
        self.0.lock().unwrap().traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.note(&request);
        self.0.lock().unwrap().metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
