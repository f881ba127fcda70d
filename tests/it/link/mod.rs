//! How clients and agents hold on to their routers: serializations, several routers, what the outside sees of it.

mod serializers;
