package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Plays clients/scenarios.json, which drives the fakes of all languages; scenarios.schema.json says how to read it. */
class ScenariosTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> everyScenarioOfTheFakes() throws Exception {
        JsonNode file = JSON.readTree(new File("../../scenarios.json"));
        assertEquals(1, file.get("version").asInt());
        return stream(file.get("scenarios"))
                .map(scenario -> DynamicTest.dynamicTest(scenario.get("name").asText(), () -> play(scenario)));
    }

    private static void play(JsonNode scenario) throws Exception {
        try (Site site = new Site()) {
            Given given = new Given(site.authority, scenario.get("given"));
            step(site, scenario);
            for (JsonNode next : scenario.path("then")) {
                given.change(next.path("given"));
                step(site, next);
            }
        }
    }

    private static void step(Site site, JsonNode step) throws Exception {
        JsonNode request = step.get("request");
        List<String> lines = new ArrayList<>();
        for (JsonNode line : request.get("headers")) {
            lines.add(line.get(0).asText() + ": " + line.get(1).asText());
        }
        Wire.Response got = Wire.send(
                site.port(),
                request.get("method").asText(),
                request.get("path").asText(),
                request.path("body").asText(""),
                lines.toArray(String[]::new));
        JsonNode expected = step.get("expect");
        assertEquals(expected.get("status").asInt(), got.status(), got.toString());
        expected.path("headers").properties().forEach(header -> {
            List<String> values = header.getValue().isNull()
                    ? List.of()
                    : List.of(header.getValue().asText());
            assertEquals(values, got.all(header.getKey()), header.getKey());
        });
        String varies = String.join(",", got.all("vary")).toLowerCase(Locale.ROOT);
        for (JsonNode name : expected.path("vary")) {
            assertTrue(varies.contains(name.asText().toLowerCase(Locale.ROOT)), varies);
        }
        if (expected.has("body")) {
            assertEquals(expected.get("body").asText(), got.body());
        }
        if (expected.has("json")) {
            JsonNode body = JSON.readTree(got.body());
            expected.get("json")
                    .properties()
                    .forEach(member -> assertEquals(member.getValue(), body.get(member.getKey()), got.body()));
        }
        if (expected.has("set_cookies")) {
            List<String> cookies = got.all("set-cookie").stream()
                    .map(cookie -> cookie.split(";", 2)[0])
                    .filter(pair -> pair.startsWith("session="))
                    .toList();
            assertEquals(
                    stream(expected.get("set_cookies")).map(JsonNode::asText).toList(), cookies);
        }
    }

    private static Stream<JsonNode> stream(JsonNode nodes) {
        return StreamSupport.stream(nodes.spliterator(), false);
    }
}
