// The server under test is started by the test project (ClientTests.cs), which says where it is.
export const url = process.env.SLIPWAY_URL;
if (!url) {
  throw new Error('Set SLIPWAY_URL to the address of a running server; tests/Hosting.AspNetCore.Tests does.');
}
