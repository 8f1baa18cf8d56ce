//! Owns reflection, as grpcurl uses it (security.md 101). Does not know our messages.

use gatelodge::rpc::policy::Role;
use tonic::{Code, Request};

use super::failed;
use super::serving::{ROLES, Serving, by};
use crate::world::World;

const SERVICES: [&str; 4] =
    ["gatelodge.v1.AdminService", "gatelodge.v1.LoginService", "gatelodge.v1.SessionService", "grpc.health.v1.Health"];

macro_rules! reflection {
    ($version:ident) => {
        mod $version {
            use tonic_reflection::pb::$version as pb;

            use super::*;
            use pb::server_reflection_request::MessageRequest;
            use pb::server_reflection_response::MessageResponse;

            fn ask(request: MessageRequest) -> impl futures::Stream<Item = pb::ServerReflectionRequest> {
                futures::stream::iter([pb::ServerReflectionRequest {
                    message_request: Some(request),
                    ..Default::default()
                }])
            }

            fn list() -> impl futures::Stream<Item = pb::ServerReflectionRequest> {
                ask(MessageRequest::ListServices(String::new()))
            }

            async fn client(
                serving: &Serving,
            ) -> pb::server_reflection_client::ServerReflectionClient<tonic::transport::Channel> {
                pb::server_reflection_client::ServerReflectionClient::new(serving.channel().await)
            }

            #[tokio::test]
            async fn lists_the_services_to_any_key_and_to_nobody_else() {
                let world = World::new();
                let serving = Serving::of(&world).await;
                let mut client = client(&serving).await;
                for role in ROLES {
                    let mut answers = client.server_reflection_info(by(role, list())).await.unwrap().into_inner();
                    let answer = answers.message().await.unwrap().unwrap().message_response;
                    let Some(MessageResponse::ListServicesResponse(listed)) = answer else { panic!("{answer:?}") };
                    let names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
                    assert!(SERVICES.iter().all(|service| names.iter().any(|name| name == service)), "{names:?}");
                }
                let outcome = client.server_reflection_info(Request::new(list())).await;
                failed(outcome.map(|_| ()), Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
            }

            #[tokio::test]
            async fn describes_methods_and_gives_its_errors_reasons() {
                let world = World::new();
                let serving = Serving::of(&world).await;
                let mut client = client(&serving).await;
                for symbol in
                    ["gatelodge.v1.SessionService.ValidateSession", "google.rpc.ErrorInfo", "gatelodge.v1.ErrorReason"]
                {
                    let request = by(Role::Admin, ask(MessageRequest::FileContainingSymbol(symbol.into())));
                    let mut answers = client.server_reflection_info(request).await.unwrap().into_inner();
                    let answer = answers.message().await.unwrap().unwrap().message_response;
                    assert!(matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))), "{symbol}: {answer:?}");
                }
                let request = by(Role::Admin, ask(MessageRequest::FileContainingSymbol("no.such.Symbol".into())));
                let mut answers = client.server_reflection_info(request).await.unwrap().into_inner();
                failed(answers.message().await, Code::NotFound, "INVALID_FIELD");
            }
        }
    };
}

reflection!(v1);
reflection!(v1alpha);
