/**
 * Why a call failed: one exception for each reason of the contract. None of them ever means "logged out": a dead
 * session is an answer, not an error.
 */
@NullMarked
package io.github.gatelodge.error;

import org.jspecify.annotations.NullMarked;
