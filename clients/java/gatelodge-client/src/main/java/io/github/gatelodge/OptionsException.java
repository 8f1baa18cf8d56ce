package io.github.gatelodge;

import org.jspecify.annotations.Nullable;

/** A setting can't be used. Its message names the setting, and says what was expected. */
public final class OptionsException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;
    private final String setting;

    /** A problem with a setting, and what the system said, if it was asked. */
    public OptionsException(String setting, String problem, @Nullable Throwable cause) {
        super(setting + " " + problem, cause);
        this.setting = setting;
    }

    public OptionsException(String setting, String problem) {
        this(setting, problem, null);
    }

    /** The name of the variable, such as {@code GATELODGE_ADDRESS}, or of the option. */
    public String setting() {
        return setting;
    }
}
