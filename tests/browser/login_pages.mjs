// Owns how a person gets through each provider's own pages. Does not know what they log in to.
//
// Each provider: `enter(page, user, password)` fills in the login page that is open; `refused(page)` waits until it
// says that the password was wrong, and leaves a login page open; `consent(page)` and `confirmLogout(page)`, where a
// provider asks; `asksAgain`, whether a second login in the same browser asks for the password again.

export const USERS = ['testuser1@example.com', 'testuser2@example.com'];
export const PASSWORD = 'password123';

const form = (button) => async (page, user, password) => {
  await page.locator('#username').fill(user);
  await page.locator('#password').fill(password);
  await page.locator(button).click();
};

export const LOGIN_PAGES = {
  dev: {
    enter: form('#login'),
    refused: (page) => page.locator('#error').waitFor(),
  },
  keycloak: {
    enter: form('#kc-login'),
    refused: (page) => page.locator('#input-error-username, #input-error').first().waitFor(),
  },
  certified: {
    enter: async (page, user, password) => {
      await page.locator('input[name=login]').fill(user);
      await page.locator('input[name=password]').fill(password);
      await page.locator('button[type=submit]').click();
    },
    refused: async (page) => {
      await page.locator('#wrong-password').waitFor();
      await page.goBack();
    },
    consent: (page) => page.locator('form input[name=prompt][value=consent] ~ button[type=submit]').click(),
    confirmLogout: (page) => page.locator('button[name=logout]').click(),
  },
};
