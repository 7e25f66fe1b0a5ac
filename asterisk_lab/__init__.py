"""The Asterisk lab: real PBXs with SIPp phones, scenarios with ground truth, endless traffic."""
