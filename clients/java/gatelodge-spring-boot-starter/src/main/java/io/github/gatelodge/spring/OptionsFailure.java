package io.github.gatelodge.spring;

import io.github.gatelodge.OptionsException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says in plain words which setting ends the start. */
final class OptionsFailure extends AbstractFailureAnalyzer<OptionsException> {
    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, OptionsException cause) {
        String action = "Set " + cause.setting() + " in the environment, or its property under gatelodge.*.";
        return new FailureAnalysis("Gatelodge: " + cause.getMessage(), action, cause);
    }
}
