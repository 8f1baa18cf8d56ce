package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.HttpHeader;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.SessionInfo;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The finished HTTP answers of the fake. */
final class Finished {
    private Finished() {}

    static HttpAnswer redirect(int status, String location, String... cookies) {
        return answer(status)
                .setLocation(location)
                .addAllSetCookies(List.of(cookies))
                .build();
    }

    static HttpAnswer json(int status, Map<String, String> members) {
        String body = members.entrySet().stream()
                .map(member -> quoted(member.getKey()) + ":" + quoted(member.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        return json(status, body);
    }

    static HttpAnswer json(int status, String body) {
        return answer(status)
                .setContentType("application/json")
                .setBody(ByteString.copyFromUtf8(body))
                .build();
    }

    static HttpAnswer userInfo(Identity who) {
        return json(
                200,
                "{\"user_id\":" + quoted(who.getUserId())
                        + ",\"provider\":" + quoted(who.getProvider())
                        + ",\"sub\":" + quoted(who.getSub())
                        + ",\"email\":" + known(who.getEmail())
                        + ",\"email_verified\":" + who.getEmailVerified()
                        + ",\"name\":" + known(who.getName())
                        + ",\"picture\":null,\"claims\":{}}");
    }

    static HttpAnswer sessions(List<Living> sessions, SessionInfo current) {
        String listed = sessions.stream()
                .map(one -> "{\"session_id\":" + quoted(one.info.getSessionId())
                        + ",\"current\":" + one.info.equals(current)
                        + ",\"device\":\"Unknown device\",\"place\":\"\",\"client_address\":\"\",\"created\":"
                        + one.info.getCreateTime().getSeconds()
                        + ",\"last_active\":" + one.info.getLastActiveTime().getSeconds()
                        + ",\"idle_end\":" + one.info.getIdleExpireTime().getSeconds()
                        + ",\"absolute_end\":"
                        + one.info.getAbsoluteExpireTime().getSeconds() + "}")
                .collect(Collectors.joining(","));
        return json(200, "{\"sessions\":[" + listed + "],\"next_page_token\":\"\"}");
    }

    /** Null for what the provider did not give. */
    private static String known(String text) {
        return text.isEmpty() ? "null" : quoted(text);
    }

    /** An error answer; what is more comes as names and values in turn. */
    static HttpAnswer problem(int status, String reason, String detail, String remedy, String... more) {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("detail", detail);
        members.put("reason", reason);
        members.put("remedy", remedy);
        members.put("request_id", Entrance.requestId());
        for (int at = 0; at + 1 < more.length; at += 2) {
            members.put(more[at], more[at + 1]);
        }
        return json(status, members);
    }

    /** To the login, and back to where the request was going. */
    static HttpAnswer toLogin(ByteString target, String parameters) {
        String back = URLEncoder.encode(target.toString(StandardCharsets.ISO_8859_1), StandardCharsets.ISO_8859_1);
        return redirect(302, "/auth/web/login?" + parameters + "redirect_uri=" + back);
    }

    /** A Set-Cookie value; an age of 0 clears the cookie. */
    static String cookie(EdgeSettings settings, String name, String value, int maxAge) {
        String secure = settings.getPublicBaseUrl().startsWith("https://") ? "; Secure" : "";
        return name + "=" + value + "; Path=/; Max-Age=" + maxAge + "; HttpOnly" + secure + "; SameSite=Lax";
    }

    /** A page that this one may have in a frame, and nobody else. */
    static HttpAnswer framed(String by, String page) {
        String policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors " + by;
        return answer(200)
                .addHeaders(HttpHeader.newBuilder()
                        .setName("content-security-policy")
                        .setValue(policy))
                .setContentType("text/html; charset=utf-8")
                .setBody(ByteString.copyFromUtf8(page))
                .build();
    }

    private static HttpAnswer.Builder answer(int status) {
        return HttpAnswer.newBuilder()
                .setStatus(status)
                .addHeaders(HttpHeader.newBuilder().setName("cache-control").setValue("no-store"));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
