//! Microsoft 365 and Outlook.com, by Microsoft Graph.

pub mod oauth;
