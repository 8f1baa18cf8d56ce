package io.github.gatelodge.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.HttpHeader;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AnswersTest {
    private static final Answers ANSWERS = new Answers("req-1");

    private static List<String> all(Answer answer, String name) {
        return answer.headers().stream()
                .filter(header -> header.name().equalsIgnoreCase(name))
                .map(Header::value)
                .toList();
    }

    private static HttpAnswer.Builder whole() {
        return HttpAnswer.newBuilder()
                .setStatus(302)
                .setLocation("/a?b=%2F")
                .addSetCookies("session=1; Path=/")
                .addSetCookies("login=; Max-Age=0")
                .addHeaders(HttpHeader.newBuilder().setName("cache-control").setValue("private"))
                .setContentType("text/html")
                .setBody(ByteString.copyFromUtf8("body"));
    }

    @Test
    void allOfAnAnswerIsCopied() {
        Answer answer = ANSWERS.copy(whole().build());
        assertEquals(302, answer.status());
        assertEquals(List.of("/a?b=%2F"), all(answer, "location"));
        assertEquals(List.of("session=1; Path=/", "login=; Max-Age=0"), all(answer, "set-cookie"));
        assertEquals(List.of("private"), all(answer, "cache-control"), "the authority's own stands");
        assertEquals(List.of("nosniff"), all(answer, "x-content-type-options"));
        assertEquals("body", answer.body().toStringUtf8());
        assertFalse(answer.toString().contains("session"), "no secret in logs");
    }

    static Stream<HttpAnswer.Builder> spoilt() {
        return Stream.of(
                HttpAnswer.newBuilder(),
                whole().setStatus(199),
                whole().setStatus(600),
                whole().setStatus(-1),
                whole().setLocation("/\r\nx: y"),
                whole().addSetCookies("a=\u0000"),
                whole().addSetCookies("a=\u00e9"),
                whole().setContentType("text/html\n"),
                whole().addHeaders(HttpHeader.newBuilder().setName("").setValue("x")),
                whole().addHeaders(HttpHeader.newBuilder().setName("a b").setValue("x")),
                whole().addHeaders(HttpHeader.newBuilder().setName("x").setValue("a\nb")),
                whole().addHeaders(HttpHeader.newBuilder()
                        .setName("Transfer-Encoding")
                        .setValue("chunked")),
                whole().addHeaders(HttpHeader.newBuilder()
                        .setName("content-length")
                        .setValue("1")));
    }

    @ParameterizedTest
    @MethodSource("spoilt")
    void orNoneOfIt(HttpAnswer.Builder spoilt) {
        Answer answer = ANSWERS.copy(spoilt.build());
        assertEquals(503, answer.status());
        assertEquals(List.of(), all(answer, "set-cookie"));
        assertEquals(List.of("1"), all(answer, "retry-after"));
        assertTrue(answer.body().toStringUtf8().contains("\"request_id\":\"req-1\""));
    }

    @Test
    void textInJsonCanNeitherEndItNorBeMarkup() {
        String json = new Json()
                .member("a", "\"\\\n</script>\u2028")
                .member("b", null)
                .bytes()
                .toStringUtf8();
        assertEquals("{\"a\":\"\\\"\\\\\\u000a\\u003c/script\\u003e\\u2028\",\"b\":null}", json);
    }
}
