package main

import (
	"context"
	"fmt"
	"hash/crc64"
	"log"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
	languages = "en-GB,en;q=0.9"
)

// asked is a question as an edge asks it for a browser.
func asked(cookie string) *v1.ValidateSessionRequest {
	return &v1.ValidateSessionRequest{
		Cookies: []*v1.Cookie{{Name: "session", Value: []byte(cookie + strings.Repeat("x", 90))}},
		Context: &v1.RequestContext{
			Method: []byte("GET"), Target: []byte("/private?a=b"), Host: []byte("app.example.com"),
			PeerAddress: []byte("192.0.2.7"), UserAgent: []byte(userAgent), AcceptLanguage: []byte(languages),
			Accept: []byte("text/html,application/xhtml+xml,*/*;q=0.8"), SecFetchSite: []byte("same-origin"),
			SecFetchMode: []byte("navigate"), SecFetchDest: []byte("document"),
		},
		Requirements:  &v1.Requirements{},
		CanSetCookies: true,
	}
}

// serveAuthority is an authority that says yes to everything, until it is killed.
func serveAuthority() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Panic(err)
	}
	server := grpc.NewServer()
	v1.RegisterSessionServiceServer(server, sessions{})
	v1.RegisterLoginServiceServer(server, logins{})
	fmt.Println("http://" + listener.Addr().String())
	log.Panic(server.Serve(listener))
}

type logins struct {
	v1.UnimplementedLoginServiceServer
}

func (logins) GetEdgeSettings(context.Context, *v1.GetEdgeSettingsRequest) (*v1.GetEdgeSettingsResponse, error) {
	return &v1.GetEdgeSettingsResponse{Settings: &v1.EdgeSettings{
		Version: "1", AskAgainAfter: durationpb.New(time.Hour), SessionCookieNames: []string{"session"},
		BindingCookieNames: []string{"login"}, CsrfHeader: "x-csrf-token", PublicBaseUrl: "https://app.example.com",
		Limits: &v1.Limits{MaxCookieBytes: 4096, MaxCookies: 8, MaxHeaderBytes: 4096, MaxQueryBytes: 8192, MaxBodyBytes: 65536},
	}}, nil
}

type sessions struct {
	v1.UnimplementedSessionServiceServer
}

// brief begins the cookies whose answers may be kept for a moment only.
const brief = "brief"

// yes is a session of its own for each cookie.
func yes(question *v1.ValidateSessionRequest) *v1.ValidateSessionResponse {
	answer := proto.CloneOf(anybody)
	cookie := string(question.Cookies[0].Value)
	answer.GetActive().Session.SessionId = fmt.Sprintf("sid_%024x", crc64.Checksum([]byte(cookie), table))
	if strings.HasPrefix(cookie, brief) {
		answer.GetActive().KeepFor = durationpb.New(500 * time.Millisecond)
	}
	return answer
}

var table = crc64.MakeTable(crc64.ISO)

var anybody = &v1.ValidateSessionResponse{
	SettingsVersion: "1",
	Outcome: &v1.ValidateSessionResponse_Active{Active: &v1.ActiveSession{
		Identity: &v1.Identity{
			UserId: "google_1234567890", Tenant: "default", Provider: "google", Issuer: "https://accounts.google.com",
			Sub: "1234567890", Email: "ada@example.com", EmailVerified: true, Name: "Ada", Scopes: []string{"openid", "email"},
		},
		Session:       &v1.SessionInfo{SessionId: "sid_abcdefghijklmnopqrstuvwx", Generation: 1},
		Judged:        &v1.JudgedRequirements{Fingerprint: v1.FingerprintJudgement_FINGERPRINT_JUDGEMENT_MATCHED},
		EventPosition: []byte("1"),
		KeepFor:       durationpb.New(time.Minute),
	}},
}

func (sessions) ValidateSession(
	_ context.Context, question *v1.ValidateSessionRequest,
) (*v1.ValidateSessionResponse, error) {
	return yes(question), nil
}

func (sessions) CheckSessions(stream grpc.BidiStreamingServer[v1.CheckSessionsRequest, v1.CheckSessionsResponse]) error {
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		question, err := stream.Recv()
		if err != nil {
			return err
		}
		answer := &v1.CheckSessionsResponse{Id: question.Id, Result: &v1.CheckSessionsResponse_Answer{Answer: yes(question.Question)}}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

func (sessions) WatchSessions(_ *v1.WatchSessionsRequest, stream grpc.ServerStreamingServer[v1.WatchSessionsResponse]) error {
	for {
		message := &v1.WatchSessionsResponse{Position: []byte("1"), MaxStaleness: durationpb.New(5 * time.Second)}
		if err := stream.Send(message); err != nil {
			return err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-stream.Context().Done():
			return nil
		}
	}
}
